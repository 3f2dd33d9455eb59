"""Votes for whoever analyses them elsewhere, in one file to download."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from evalharness.exports import Options, export

__all__ = ["exported"]


def exported(office: Office, person: Person, options: Options) -> bytes:
    """All tables with their codebook and manifest, as a ZIP archive.

    Raises NotAllowed: ids as they are stored are for who may know names.
    """
    office.permit(person, Action.NAMES if options.with_ids else Action.EXPORT)
    archive = io.BytesIO()
    with TemporaryDirectory() as scratch, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        folder = Path(scratch) / office.study.settings.name
        manifest = export(office.study, office.store, folder, options)
        for file in sorted(folder.iterdir()):
            packed.write(file, f"{folder.name}/{file.name}")
    office.note(
        person,
        "downloaded",
        what="votes with ids" if options.with_ids else "votes without names",
        votes=manifest.rows["votes"],
        forms=[form.value for form in options.forms],
        open_data_only=options.open_data_only,
    )
    return archive.getvalue()
