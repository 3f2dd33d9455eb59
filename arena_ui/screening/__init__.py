"""What stands between consent and the first pair: device, headphones, languages, training.

`device`, `headphones`, `languages` and `training` say what is asked and judge what comes back; `trials`
keeps it; `routes` and `screen` show it. The page is sent no right answer.
"""
