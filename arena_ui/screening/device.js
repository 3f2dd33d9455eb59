// What a page can measure of where it is shown.
const CODECS = 'video/mp4; codecs="avc1.640028, mp4a.40.2"';
const FRAMES = 61;
const PLAYS_WITHIN_MS = 15000;
const LONGEST_PROBE_MS = 8000;
const RETRY_MS = 2000;

async function measureDevice({ clip, speed }) {
  const mbit_s = speed ? await downloadSpeed() : null;
  return {
    width: screen.width,
    height: screen.height,
    ratio: devicePixelRatio,
    refresh_hz: await refreshRate(),
    plays: await playsClip(`/clip/practice/${clip}`),
    touch: matchMedia("(pointer: coarse)").matches,
    mbit_s,
  };
}

// Of about a second of frames the median: one that comes late says nothing of the screen.
async function refreshRate() {
  const times = [];
  while (times.length < FRAMES) times.push(await new Promise(requestAnimationFrame));
  const gaps = times.slice(1).map((time, index) => time - times[index]).sort((one, other) => one - other);
  return 1000 / Math.max(1, gaps[Math.floor(gaps.length / 2)]);
}

// What comes from the server, asked for again while it is away: a lost connection says nothing of a device.
async function arriving(path) {
  for (;;) {
    try {
      const reply = await fetch(path, { cache: "no-store" });
      if (reply.status < 500 && reply.status !== LATER_STATUS) return reply;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await pause(RETRY_MS);
  }
}

async function playsClip(path) {
  const video = document.createElement("video");
  if (!video.canPlayType(CODECS)) return false;
  const address = URL.createObjectURL(await (await arriving(path)).blob());
  Object.assign(video, { muted: true, playsInline: true, src: address });
  return new Promise((resolve) => {
    const end = (plays) => {
      clearTimeout(late);
      video.ontimeupdate = video.onerror = null;
      URL.revokeObjectURL(address);
      resolve(plays);
    };
    const late = setTimeout(end, PLAYS_WITHIN_MS, false);
    video.ontimeupdate = () => { if (video.currentTime > 0.1) end(true); };
    video.onerror = () => end(false);
    // A browser that saves power may start no video by itself; that is no matter of what it can play.
    video.play().catch((error) => { if (error.name === "NotAllowedError") end(true); });
  });
}

// In Mbit/s, from the first byte to the last, or to when it takes too long.
async function downloadSpeed() {
  const reader = (await arriving("/api/probe")).body.getReader();
  const start = performance.now();
  let bytes = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    bytes += piece.value.length;
    if (performance.now() - start > LONGEST_PROBE_MS) await reader.cancel();
  }
  return (bytes * 8) / 1000 / Math.max(1, performance.now() - start);
}
