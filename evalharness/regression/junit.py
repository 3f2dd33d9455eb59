"""A comparison as JUnit XML, which build servers read: a suite a part, a case a check.

A deciding check that is worse is a failure. One that is undecided is an error: the gate does not pass either,
and a server that knows only this file must not show it as green. What decides nothing is skipped, with its
sentence.
"""

from __future__ import annotations

import re
from datetime import datetime
from xml.etree import ElementTree as ET

from evalharness.regression.verdict import Check, Comparison, Finding
from evalharness.tolerances import Part

__all__ = ["render_junit"]

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold at all."""


def render_junit(found: Comparison, moment: datetime) -> str:
    """The XML text. `moment` is when the comparison was made."""
    root = ET.Element("testsuites")
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for number, part in enumerate(Part):
        checks = [check for check in found.checks if check.part is part]
        suite = ET.SubElement(root, "testsuite")
        counts = {
            "tests": len(checks),
            "failures": sum(check.decides and check.finding is Finding.WORSE for check in checks),
            "errors": sum(check.decides and check.finding is Finding.UNDECIDED for check in checks),
            "skipped": sum(not check.decides for check in checks),
        }
        name = f"{found.candidate} against {found.baseline}: {part}"
        suite.attrib.update({"id": str(number), "name": _fit(name), "package": "evalharness.regress"})
        suite.attrib.update({key: str(value) for key, value in counts.items()})
        suite.attrib.update(
            {"time": "0", "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}", "hostname": "localhost"}
        )
        properties = ET.SubElement(suite, "properties")
        said = {"study": found.study, "verdict": found.verdict.value, "headline": found.headline}
        for key, value in (said | {f"note {at}": note for at, note in enumerate(found.notes, 1)}).items():
            ET.SubElement(properties, "property", name=key, value=_fit(value))
        for check in checks:
            _case(suite, check)
        ET.SubElement(suite, "system-out").text = _fit("\n".join((found.headline, *found.reasons)))
        ET.SubElement(suite, "system-err")
        totals = {key: totals[key] + counts[key] for key in totals}
    root.attrib.update({"name": _fit(found.headline), "time": "0"})
    root.attrib.update({key: str(value) for key, value in totals.items()})
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, check: Check) -> None:
    case = ET.SubElement(
        suite, "testcase", name=_fit(check.name), classname=f"evalharness.regress.{check.part}", time="0"
    )
    whole = "\n".join(filter(None, (check.sentence, check.more, *check.notes)))
    if not check.decides:
        ET.SubElement(
            case, "skipped", message=_fit(f"decides nothing; {check.finding.value}: {check.sentence}")
        )
    elif check.finding is Finding.WORSE:
        ET.SubElement(case, "failure", message=_fit(check.sentence), type="worse").text = _fit(whole)
    elif check.finding is Finding.UNDECIDED:
        ET.SubElement(case, "error", message=_fit(check.sentence), type="undecided").text = _fit(whole)


def _fit(text: str) -> str:
    return _UNFIT.sub("�", text)
