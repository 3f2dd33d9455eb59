BEGIN TRANSACTION;
CREATE TABLE arrivals (
	voter_id TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	person_key TEXT NOT NULL, 
	person TEXT, 
	details JSON NOT NULL, 
	arrived_at TEXT NOT NULL, 
	CONSTRAINT pk_arrivals PRIMARY KEY (voter_id), 
	CONSTRAINT fk_arrivals_voter FOREIGN KEY(voter_id) REFERENCES voters (id), 
	CONSTRAINT uq_arrivals_person UNIQUE (person_key)
);
INSERT INTO "arrivals" VALUES('ada','prolific','key of ada','5f1','{"study": "s1"}','2026-11-22T16:30:00.250000+00:00');
CREATE TABLE audit (
	number INTEGER NOT NULL, 
	author TEXT NOT NULL, 
	role TEXT NOT NULL, 
	action TEXT NOT NULL, 
	details JSON NOT NULL, 
	created_at TEXT NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (number)
);
INSERT INTO "audit" VALUES(1,'owner','owner','accept','{"voter": "ada"}','2026-11-22T16:30:12.750000+00:00');
CREATE TABLE battle_questions (
	battle_id TEXT NOT NULL, 
	question TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_battle_questions PRIMARY KEY (battle_id, question), 
	CONSTRAINT fk_battle_questions_battle FOREIGN KEY(battle_id) REFERENCES battles (id), 
	CONSTRAINT uq_battle_questions_position UNIQUE (battle_id, position), 
	CONSTRAINT ck_battle_questions_question CHECK (question IN ('overall', 'visual_quality', 'motion', 'prompt_adherence', 'av_sync', 'lip_accuracy'))
);
INSERT INTO "battle_questions" VALUES('answered','overall',0);
INSERT INTO "battle_questions" VALUES('answered','av_sync',1);
INSERT INTO "battle_questions" VALUES('open','overall',0);
INSERT INTO "battle_questions" VALUES('open','av_sync',1);
CREATE TABLE battles (
	id TEXT NOT NULL, 
	voter_id TEXT NOT NULL, 
	prompt_id TEXT NOT NULL, 
	category TEXT NOT NULL, 
	left_system TEXT NOT NULL, 
	left_seed BIGINT NOT NULL, 
	left_exhibit TEXT NOT NULL, 
	right_system TEXT NOT NULL, 
	right_seed BIGINT NOT NULL, 
	right_exhibit TEXT NOT NULL, 
	first_system TEXT NOT NULL, 
	second_system TEXT NOT NULL, 
	probability FLOAT NOT NULL, 
	policy TEXT NOT NULL, 
	created_at TEXT NOT NULL, purpose TEXT DEFAULT 'comparison' NOT NULL CONSTRAINT ck_battles_purpose CHECK (purpose IN ('comparison', 'trap', 'repeat', 'swapped_repeat', 'gold')), expected TEXT CONSTRAINT ck_battles_expected CHECK (expected IN ('left', 'right', 'tie', 'both_bad')), repeats TEXT REFERENCES battles (id), 
	CONSTRAINT pk_battles PRIMARY KEY (id), 
	CONSTRAINT fk_battles_voter FOREIGN KEY(voter_id) REFERENCES voters (id), 
	CONSTRAINT fk_battles_left FOREIGN KEY(left_exhibit, left_system, prompt_id, left_seed) REFERENCES exhibits (id, system, prompt_id, seed), 
	CONSTRAINT fk_battles_right FOREIGN KEY(right_exhibit, right_system, prompt_id, right_seed) REFERENCES exhibits (id, system, prompt_id, seed), 
	CONSTRAINT uq_battles_voter UNIQUE (id, voter_id), 
	CONSTRAINT uq_battles_pair UNIQUE (voter_id, prompt_id, first_system, second_system, purpose), 
	CONSTRAINT ck_battles_pair CHECK (first_system < second_system AND ((first_system = left_system AND second_system = right_system) OR (first_system = right_system AND second_system = left_system))), 
	CONSTRAINT ck_battles_probability CHECK (probability > 0 AND probability <= 1), 
	CONSTRAINT ck_battles_category CHECK (category IN ('text-to-video', 'image-to-video', 'reference-to-video', 'audio-sync'))
);
INSERT INTO "battles" VALUES('answered','ada','ice','text-to-video','harbour',1,'exhibit0','lighthouse',1,'exhibit1','harbour','lighthouse',0.5,'balanced','2026-11-22T16:30:00.250000+00:00','comparison',NULL,NULL);
INSERT INTO "battles" VALUES('open','bo','ice','text-to-video','lighthouse',1,'exhibit1','harbour',1,'exhibit0','harbour','lighthouse',0.5,'balanced','2026-11-22T16:30:00.250000+00:00','comparison',NULL,NULL);
CREATE TABLE clips (
	system TEXT NOT NULL, 
	prompt_id TEXT NOT NULL, 
	seed BIGINT NOT NULL, 
	sha256 TEXT NOT NULL, 
	path TEXT NOT NULL, 
	bytes BIGINT NOT NULL, 
	streams JSON NOT NULL, 
	created_at TEXT NOT NULL, 
	adapter TEXT NOT NULL, 
	adapter_version TEXT NOT NULL, 
	request JSON NOT NULL, 
	provider_task_id TEXT, 
	latency_s FLOAT, 
	cost_usd FLOAT, 
	CONSTRAINT pk_clips PRIMARY KEY (system, prompt_id, seed), 
	CONSTRAINT fk_clips_job FOREIGN KEY(system, prompt_id, seed) REFERENCES jobs (system, prompt_id, seed), 
	CONSTRAINT fk_clips_content FOREIGN KEY(sha256) REFERENCES contents (sha256), 
	CONSTRAINT uq_clips_content UNIQUE (system, prompt_id, seed, sha256), 
	CONSTRAINT ck_clips_bytes CHECK (bytes > 0)
);
INSERT INTO "clips" VALUES('harbour','ice',1,'0000000000000000000000000000000000000000000000000000000000000001','clips/0000000000000000000000000000000000000000000000000000000000000001.mp4',4096,'{"container": "mp4", "duration_s": 5.0, "width": 854, "height": 480, "fps": 24.0, "frames": 120, "video_codec": "h264", "pixel_format": "yuv420p", "video_bit_rate": null, "rotation_deg": 0, "audio_codec": "aac", "sample_rate_hz": 48000, "channels": null, "audio_duration_s": null}','2026-11-22T16:30:00.250000+00:00','command','1','{"seed": 1}',NULL,NULL,NULL);
INSERT INTO "clips" VALUES('lighthouse','ice',1,'0000000000000000000000000000000000000000000000000000000000000002','clips/0000000000000000000000000000000000000000000000000000000000000002.mp4',4096,'{"container": "mp4", "duration_s": 5.0, "width": 854, "height": 480, "fps": 24.0, "frames": 120, "video_codec": "h264", "pixel_format": "yuv420p", "video_bit_rate": null, "rotation_deg": 0, "audio_codec": "aac", "sample_rate_hz": 48000, "channels": null, "audio_duration_s": null}','2026-11-22T16:30:00.250000+00:00','command','1','{"seed": 1}',NULL,NULL,NULL);
INSERT INTO "clips" VALUES('harbour','boat',1,'0000000000000000000000000000000000000000000000000000000000000003','clips/0000000000000000000000000000000000000000000000000000000000000003.mp4',4096,'{"container": "mp4", "duration_s": 5.0, "width": 854, "height": 480, "fps": 24.0, "frames": 120, "video_codec": "h264", "pixel_format": "yuv420p", "video_bit_rate": null, "rotation_deg": 0, "audio_codec": "aac", "sample_rate_hz": 48000, "channels": null, "audio_duration_s": null}','2026-11-22T16:30:00.250000+00:00','command','1','{"seed": 1}',NULL,NULL,NULL);
CREATE TABLE contents (
	sha256 TEXT NOT NULL, 
	CONSTRAINT pk_contents PRIMARY KEY (sha256)
);
INSERT INTO "contents" VALUES('0000000000000000000000000000000000000000000000000000000000000001');
INSERT INTO "contents" VALUES('0000000000000000000000000000000000000000000000000000000000000002');
INSERT INTO "contents" VALUES('0000000000000000000000000000000000000000000000000000000000000003');
CREATE TABLE exclusions (
	number INTEGER NOT NULL, 
	battle_id TEXT NOT NULL, 
	question TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	author TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	CONSTRAINT pk_exclusions PRIMARY KEY (number), 
	CONSTRAINT fk_exclusions_vote FOREIGN KEY(battle_id, question) REFERENCES votes (battle_id, question), 
	CONSTRAINT uq_exclusions_once UNIQUE (battle_id, question, reason, author), 
	CONSTRAINT ck_exclusions_reason CHECK (reason <> '')
);
INSERT INTO "exclusions" VALUES(1,'answered','overall','answered in 0.2 s','speed/1','2026-11-22T16:30:12.750000+00:00');
CREATE TABLE exhibits (
	number INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	system TEXT NOT NULL, 
	prompt_id TEXT NOT NULL, 
	seed BIGINT NOT NULL, 
	clip_sha256 TEXT NOT NULL, 
	path TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	bytes BIGINT NOT NULL, 
	streams JSON NOT NULL, 
	silent BOOLEAN NOT NULL, 
	loudness_lufs FLOAT, 
	recipe JSON NOT NULL, flaw TEXT, 
	CONSTRAINT pk_exhibits PRIMARY KEY (number), 
	CONSTRAINT uq_exhibits_id UNIQUE (id), 
	CONSTRAINT uq_exhibits_clip UNIQUE (id, system, prompt_id, seed), 
	CONSTRAINT fk_exhibits_clip FOREIGN KEY(system, prompt_id, seed, clip_sha256) REFERENCES clips (system, prompt_id, seed, sha256), 
	CONSTRAINT ck_exhibits_bytes CHECK (bytes > 0)
);
INSERT INTO "exhibits" VALUES(1,'exhibit0','harbour','ice',1,'0000000000000000000000000000000000000000000000000000000000000001','exhibits/0.mp4','0000000000000000000000000000000000000000000000000000000000000001',2048,'{"container": "mp4", "duration_s": 5.0, "width": 854, "height": 480, "fps": 24.0, "frames": 120, "video_codec": "h264", "pixel_format": "yuv420p", "video_bit_rate": null, "rotation_deg": 0, "audio_codec": "aac", "sample_rate_hz": 48000, "channels": null, "audio_duration_s": null}',0,-23.4,'{"fps": 24.0}',NULL);
INSERT INTO "exhibits" VALUES(2,'exhibit1','lighthouse','ice',1,'0000000000000000000000000000000000000000000000000000000000000002','exhibits/1.mp4','0000000000000000000000000000000000000000000000000000000000000002',2048,'{"container": "mp4", "duration_s": 5.0, "width": 854, "height": 480, "fps": 24.0, "frames": 120, "video_codec": "h264", "pixel_format": "yuv420p", "video_bit_rate": null, "rotation_deg": 0, "audio_codec": "aac", "sample_rate_hz": 48000, "channels": null, "audio_duration_s": null}',0,-23.4,'{"fps": 24.0}',NULL);
INSERT INTO "exhibits" VALUES(3,'exhibit2','harbour','boat',1,'0000000000000000000000000000000000000000000000000000000000000003','exhibits/2.mp4','0000000000000000000000000000000000000000000000000000000000000003',2048,'{"container": "mp4", "duration_s": 5.0, "width": 854, "height": 480, "fps": 24.0, "frames": 120, "video_codec": "h264", "pixel_format": "yuv420p", "video_bit_rate": null, "rotation_deg": 0, "audio_codec": "aac", "sample_rate_hz": 48000, "channels": null, "audio_duration_s": null}',1,NULL,'{"fps": 24.0}',NULL);
CREATE TABLE faults (
	battle_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	CONSTRAINT pk_faults PRIMARY KEY (battle_id), 
	CONSTRAINT fk_faults_battle FOREIGN KEY(battle_id) REFERENCES battles (id), 
	CONSTRAINT ck_faults_kind CHECK (kind IN ('picture', 'sound', 'stutter', 'other'))
);
INSERT INTO "faults" VALUES('open','sound','2026-11-22T16:30:12.750000+00:00');
CREATE TABLE jobs (
	system TEXT NOT NULL, 
	prompt_id TEXT NOT NULL, 
	seed BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	failure TEXT, 
	message TEXT, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_jobs PRIMARY KEY (system, prompt_id, seed), 
	CONSTRAINT fk_jobs_system FOREIGN KEY(system) REFERENCES systems (name), 
	CONSTRAINT fk_jobs_prompt FOREIGN KEY(prompt_id) REFERENCES prompts (id), 
	CONSTRAINT ck_jobs_state CHECK (state IN ('pending', 'running', 'done', 'failed')), 
	CONSTRAINT ck_jobs_attempts CHECK (attempts >= 0), 
	CONSTRAINT ck_jobs_failure CHECK (failure IN ('auth', 'billing', 'rate', 'moderation', 'parameter', 'server', 'timeout', 'expired', 'program', 'missing', 'media')), 
	CONSTRAINT ck_jobs_failed_has_reason CHECK ((state = 'failed' AND failure IS NOT NULL AND message IS NOT NULL) OR (state <> 'failed' AND failure IS NULL AND message IS NULL))
);
INSERT INTO "jobs" VALUES('harbour','ice',1,'done',1,NULL,NULL,'2026-11-23T23:12:30.765987+00:00');
INSERT INTO "jobs" VALUES('lighthouse','ice',1,'done',1,NULL,NULL,'2026-11-23T23:12:30.770778+00:00');
INSERT INTO "jobs" VALUES('harbour','boat',1,'done',1,NULL,NULL,'2026-11-23T23:12:30.772975+00:00');
INSERT INTO "jobs" VALUES('lighthouse','boat',1,'failed',1,'moderation','The vendor refused the prompt; change its words.','2026-11-23T23:12:30.764659+00:00');
INSERT INTO "jobs" VALUES('harbour','ice',2,'running',1,NULL,NULL,'2026-11-23T23:12:30.755448+00:00');
INSERT INTO "jobs" VALUES('lighthouse','ice',2,'pending',0,NULL,NULL,'2026-11-23T23:12:30.750562+00:00');
CREATE TABLE measurements (
	clip_sha256 TEXT NOT NULL, 
	metric TEXT NOT NULL, 
	version TEXT NOT NULL, 
	status TEXT NOT NULL, 
	value FLOAT, 
	unit TEXT NOT NULL, 
	reason TEXT, 
	details JSON NOT NULL, 
	CONSTRAINT pk_measurements PRIMARY KEY (clip_sha256, metric, version), 
	CONSTRAINT fk_measurements_content FOREIGN KEY(clip_sha256) REFERENCES contents (sha256), 
	CONSTRAINT ck_measurements_status CHECK (status IN ('value', 'unscorable', 'failed')), 
	CONSTRAINT ck_measurements_three_endings CHECK ((status = 'value' AND value IS NOT NULL AND reason IS NULL) OR (status <> 'value' AND value IS NULL AND reason IS NOT NULL AND reason <> '')), 
	CONSTRAINT ck_measurements_finite CHECK (value BETWEEN -1e308 AND 1e308)
);
INSERT INTO "measurements" VALUES('0000000000000000000000000000000000000000000000000000000000000001','loudness.lufs','1','value',-21.7,'LUFS',NULL,'{}');
INSERT INTO "measurements" VALUES('0000000000000000000000000000000000000000000000000000000000000001','lips.error','1','unscorable',NULL,'','No face was found.','{}');
INSERT INTO "measurements" VALUES('0000000000000000000000000000000000000000000000000000000000000001','event_sync.offset_s','1','failed',NULL,'','It did not decode.','{}');
CREATE TABLE prompts (
	id TEXT NOT NULL, 
	task TEXT NOT NULL, 
	text TEXT NOT NULL, 
	language TEXT NOT NULL, 
	licence TEXT NOT NULL, 
	spoken TEXT, 
	reading TEXT, 
	first_frame TEXT, 
	tags JSON NOT NULL, "references" JSON DEFAULT '[]' NOT NULL, pictures JSON DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_prompts PRIMARY KEY (id), 
	CONSTRAINT ck_prompts_task CHECK (task IN ('text_to_video', 'image_to_video', 'reference_to_video'))
);
INSERT INTO "prompts" VALUES('ice','text_to_video','川の氷が割れる。','ja','CC0-1.0','氷が割れる',NULL,NULL,'["ice"]','[]','[]');
INSERT INTO "prompts" VALUES('boat','image_to_video','A boat leaves.','en','CC0-1.0',NULL,NULL,'/boat.png','[]','[]','[]');
CREATE TABLE purchases (
	system TEXT NOT NULL, 
	prompt_id TEXT NOT NULL, 
	seed BIGINT NOT NULL, 
	number INTEGER NOT NULL, 
	stage TEXT NOT NULL, 
	intended_at TEXT NOT NULL, 
	request JSON NOT NULL, 
	task_id TEXT, 
	poll_url TEXT, 
	submitted_at TEXT, 
	closed_at TEXT, running_at TEXT, downloaded_at TEXT, 
	CONSTRAINT pk_purchases PRIMARY KEY (system, prompt_id, seed, number), 
	CONSTRAINT fk_purchases_job FOREIGN KEY(system, prompt_id, seed) REFERENCES jobs (system, prompt_id, seed), 
	CONSTRAINT ck_purchases_stage CHECK (stage IN ('intended', 'submitted', 'running', 'downloaded', 'delivered', 'withdrawn', 'ended', 'abandoned')), 
	CONSTRAINT ck_purchases_number CHECK (number >= 1), 
	CONSTRAINT ck_purchases_task CHECK (stage IN ('intended', 'withdrawn', 'abandoned') OR task_id IS NOT NULL), 
	CONSTRAINT ck_purchases_closed CHECK ((stage IN ('intended', 'submitted', 'running', 'downloaded')) = (closed_at IS NULL))
);
INSERT INTO "purchases" VALUES('harbour','ice',2,1,'intended','2026-11-23T23:12:30.755863+00:00','{"model": "h-1", "seed": 2}',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "purchases" VALUES('harbour','ice',1,1,'delivered','2026-11-23T23:12:30.758110+00:00','{"model": "h-1", "seed": 1}','task-1',NULL,'2026-11-23T23:12:30.759099+00:00','2026-11-23T23:12:30.767310+00:00','2026-11-23T23:12:30.760393+00:00','2026-11-23T23:12:30.761466+00:00');
INSERT INTO "purchases" VALUES('lighthouse','boat',1,1,'running','2026-11-23T23:12:30.762417+00:00','{"model": "l-1", "seed": 1}','task-2',NULL,'2026-11-23T23:12:30.763444+00:00',NULL,'2026-11-23T23:12:30.764103+00:00',NULL);
CREATE TABLE rulings (
	number INTEGER NOT NULL, 
	voter_id TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	author TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	CONSTRAINT pk_rulings PRIMARY KEY (number), 
	CONSTRAINT fk_rulings_voter FOREIGN KEY(voter_id) REFERENCES voters (id), 
	CONSTRAINT ck_rulings_decision CHECK (decision IN ('accepted', 'returned', 'used', 'excluded')), 
	CONSTRAINT ck_rulings_reason CHECK (reason <> '')
);
INSERT INTO "rulings" VALUES(1,'ada','accepted','finished the session','owner','2026-11-22T16:30:12.750000+00:00');
CREATE TABLE schema_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT schema_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "schema_version" VALUES('0007');
CREATE TABLE screenings (
	number INTEGER NOT NULL, 
	voter_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	passed BOOLEAN NOT NULL, 
	created_at TEXT NOT NULL, 
	details JSON NOT NULL, 
	CONSTRAINT pk_screenings PRIMARY KEY (number), 
	CONSTRAINT fk_screenings_voter FOREIGN KEY(voter_id) REFERENCES voters (id), 
	CONSTRAINT ck_screenings_kind CHECK (kind IN ('device', 'headphones', 'language', 'training'))
);
INSERT INTO "screenings" VALUES(1,'ada','device',1,'2026-11-22T16:30:00.250000+00:00','{"width": 1920}');
CREATE TABLE systems (
	name TEXT NOT NULL, 
	adapter TEXT NOT NULL, 
	model TEXT NOT NULL, 
	revision TEXT NOT NULL, 
	codename TEXT, 
	parameters JSON NOT NULL, 
	concurrency INTEGER NOT NULL, 
	CONSTRAINT pk_systems PRIMARY KEY (name), 
	CONSTRAINT ck_systems_concurrency CHECK (concurrency >= 1)
);
INSERT INTO "systems" VALUES('harbour','command','h-1','r2','Mystery A','{"steps": 30, "cfg": 1.5}',2);
INSERT INTO "systems" VALUES('lighthouse','folder','','',NULL,'{}',1);
CREATE TABLE voters (
	id TEXT NOT NULL, 
	languages JSON NOT NULL, 
	consented_at TEXT NOT NULL, 
	consent_version TEXT NOT NULL, 
	token_hash TEXT, open_data BOOLEAN DEFAULT 0 NOT NULL, interface TEXT DEFAULT 'en' NOT NULL, erased_at TEXT, 
	CONSTRAINT pk_voters PRIMARY KEY (id), 
	CONSTRAINT uq_voters_token_hash UNIQUE (token_hash)
);
INSERT INTO "voters" VALUES('ada','["ja", "en"]','2026-11-22T16:30:00.250000+00:00','2026-11','token of ada',0,'en',NULL);
INSERT INTO "voters" VALUES('bo','["ja", "en"]','2026-11-22T16:30:00.250000+00:00','2026-11','token of bo',0,'en',NULL);
CREATE TABLE votes (
	battle_id TEXT NOT NULL, 
	question TEXT NOT NULL, 
	voter_id TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	evidence JSON NOT NULL, strength TEXT CONSTRAINT ck_votes_strength CHECK (strength IS NULL OR (strength IN ('slight', 'strong') AND outcome IN ('left', 'right'))), 
	CONSTRAINT pk_votes PRIMARY KEY (battle_id, question), 
	CONSTRAINT fk_votes_battle_of_voter FOREIGN KEY(battle_id, voter_id) REFERENCES battles (id, voter_id), 
	CONSTRAINT fk_votes_question_asked FOREIGN KEY(battle_id, question) REFERENCES battle_questions (battle_id, question), 
	CONSTRAINT ck_votes_outcome CHECK (outcome IN ('left', 'right', 'tie', 'both_bad'))
);
INSERT INTO "votes" VALUES('answered','overall','ada','left','2026-11-22T16:30:12.750000+00:00','{"plays": [1, 2]}','slight');
INSERT INTO "votes" VALUES('answered','av_sync','ada','both_bad','2026-11-22T16:30:12.750000+00:00','{}',NULL);
CREATE INDEX ix_exhibits_clip ON exhibits (system, prompt_id, seed);
CREATE TRIGGER battles_refuse_update BEFORE UPDATE ON battles BEGIN SELECT RAISE(ABORT, 'battles are append only; a vote is taken out of the count by an exclusion'); END;
CREATE TRIGGER battles_refuse_delete BEFORE DELETE ON battles BEGIN SELECT RAISE(ABORT, 'battles are append only; a vote is taken out of the count by an exclusion'); END;
CREATE TRIGGER battle_questions_refuse_update BEFORE UPDATE ON battle_questions BEGIN SELECT RAISE(ABORT, 'battle_questions are append only; a vote is taken out of the count by an exclusion'); END;
CREATE TRIGGER battle_questions_refuse_delete BEFORE DELETE ON battle_questions BEGIN SELECT RAISE(ABORT, 'battle_questions are append only; a vote is taken out of the count by an exclusion'); END;
CREATE TRIGGER votes_refuse_update BEFORE UPDATE ON votes BEGIN SELECT RAISE(ABORT, 'votes are append only; a vote is taken out of the count by an exclusion'); END;
CREATE TRIGGER votes_refuse_delete BEFORE DELETE ON votes BEGIN SELECT RAISE(ABORT, 'votes are append only; a vote is taken out of the count by an exclusion'); END;
CREATE TRIGGER exclusions_refuse_update BEFORE UPDATE ON exclusions BEGIN SELECT RAISE(ABORT, 'exclusions are append only; a vote is taken out of the count by an exclusion'); END;
CREATE TRIGGER exclusions_refuse_delete BEFORE DELETE ON exclusions BEGIN SELECT RAISE(ABORT, 'exclusions are append only; a vote is taken out of the count by an exclusion'); END;
CREATE UNIQUE INDEX ux_purchases_open ON purchases (system, prompt_id, seed) WHERE stage IN ('intended', 'submitted', 'running', 'downloaded');
CREATE INDEX ix_battles_created ON battles (created_at);
CREATE INDEX ix_rulings_voter ON rulings (voter_id);
CREATE INDEX ix_screenings_voter ON screenings (voter_id);
CREATE TRIGGER faults_refuse_update BEFORE UPDATE ON faults BEGIN SELECT RAISE(ABORT, 'faults is append only'); END;
CREATE TRIGGER faults_refuse_delete BEFORE DELETE ON faults BEGIN SELECT RAISE(ABORT, 'faults is append only'); END;
CREATE TRIGGER audit_refuse_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END;
CREATE TRIGGER audit_refuse_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END;
CREATE TRIGGER rulings_refuse_update BEFORE UPDATE ON rulings WHEN NOT (NEW.reason = 'taken away with the person' AND NEW.number = OLD.number AND NEW.voter_id = OLD.voter_id AND NEW.decision = OLD.decision AND NEW.author = OLD.author AND NEW.created_at = OLD.created_at) BEGIN SELECT RAISE(ABORT, 'rulings are append only; a newer one overrules'); END;
CREATE TRIGGER rulings_refuse_delete BEFORE DELETE ON rulings BEGIN SELECT RAISE(ABORT, 'rulings are append only; a newer one overrules'); END;
COMMIT;
