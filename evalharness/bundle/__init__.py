"""Bundles: a folder that holds a report, the votes behind it, and all that is needed to compute it again.

    bundle_of_study(study, store, folder, ...) -> Summary      what the bundle says
    bundle_of_file(votes, folder, ...)         -> Summary      the same from a file of votes, without a study
    verify_bundle(folder)                      -> checks       what differs

Nothing in it names a person, and the same votes give the same bytes.
"""

from evalharness.bundle.making import bundle_of_file, bundle_of_study
from evalharness.bundle.verifying import NOT_COMPUTED, Check, verify_bundle

__all__ = ["NOT_COMPUTED", "Check", "bundle_of_file", "bundle_of_study", "verify_bundle"]
