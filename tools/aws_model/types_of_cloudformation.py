"""CloudFormation's resource types: which properties a resource is replaced for, what holds data, what
gives rights. Schemas from cfn-lint; the last two from data/aws/types.tsv."""

import fnmatch
import json


def load_types(schemas, overlay):
    """Lines `T`: type, properties that replace, properties that may, flags."""
    listed = json.loads((schemas / "providers" / "us-east-1.json").read_text())
    for name in sorted(listed):
        schema = json.loads((schemas / "resources" / f"{listed[name]}.json").read_text())
        flags = "".join(dict.fromkeys(flag for pattern, flag, _ in overlay
                                      if fnmatch.fnmatchcase(name, pattern)))
        always = _top(schema.get("createOnlyProperties", []))
        yield "\t".join(["T", name, ",".join(always),
                         ",".join(p for p in _top(schema.get("conditionalCreateOnlyProperties", []))
                                  if p not in always), flags])


def _top(pointers):
    return sorted({p.removeprefix("/properties/").split("/")[0] for p in pointers})
