"""SyncNet (Chung and Zisserman 2016, "Out of time"): LSE-C, LSE-D and offset as papers report them.

A port of the published pipeline, with weights that users bring: `s3fd` finds faces, `crops` follows and cuts
them out, `mfcc` and `network` turn sound and lips into embeddings, `distances` compares them, `metric` is
the metric. `released` knows the published files of weights.
"""

from metrics.sync.syncnet.metric import SyncNet

__all__ = ["SyncNet"]
