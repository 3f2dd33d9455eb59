"""Automatic metrics of video with sound: arrays in, numbers out; knows nothing of votes or databases."""
