"""The pages of a study's owner, behind a login: a Streamlit app and a process of its own.

    python -m arena_ui.owner FOLDER                                  serve them
    python -m arena_ui.owner password NAME --role owner FOLDER       let somebody in

    roles       who may do what: one table
    accounts    names, password hashes and e-mail addresses, in the study's `.owners.toml`
    sessions    the signed cookie
    doors       log in, log out, and nothing else before that
    office      the study, and the record of what is done here
    services    what each page shows and does, roles checked
    views       the pages, one file each

The voters' server has none of this.
"""
