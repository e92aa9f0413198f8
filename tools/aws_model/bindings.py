"""Which input members name the resources of an operation.

A binding is (resource type, ARN template, primary or secondary, [(variable, wire path, default)]).
The variable `@arn` stands for a member that holds a whole ARN. What cannot be matched with
confidence is left out: an unbound resource is `*`, a wrong one is a lie.
"""

import fnmatch
import re

FILLED = {"Partition", "Region", "Account"}
GENERIC_ARN = {"resourcearn", "arn", "resourcearns", "resourcearnlist", "targetarn"}
SUFFIX = re.compile(r"(arnlist|arns|arn|names|name|identifiers|identifier|ids|id)$")


def variables(template):
    return [v for v in re.findall(r"\$\{([^}]+)\}", template) if v not in FILLED]


def plain(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())


def singular(name):
    if name.endswith("ies"):
        return name[:-3] + "y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def stem(name):
    cut = SUFFIX.sub("", plain(name))
    return singular(cut) if cut else ""


class Binder:
    def __init__(self, overlay):
        self.overlay = {}
        for service, operations, kind, paths, role, _ in overlay:
            for operation in operations.split(","):
                self.overlay.setdefault(service, []).append((operation, kind, paths, role))

    def bind(self, service, operation, wire, actions, iam, own):
        """`actions` are (prefix, entry) of the operation's IAM actions."""
        reviewed = [row for row in self.overlay.get(service, [])
                    if fnmatch.fnmatchcase(operation, row[0])]
        replaced = {row[1] for row in reviewed}
        found = []
        required_unbound = False
        for prefix, entry in actions[:1]:
            for listed in entry["resourceTypes"]:
                kind = iam[prefix]["types"].get(listed["name"])
                if kind is None or listed["name"] in replaced or "-" in replaced:
                    continue
                bound = self._match(kind["key"], kind["arn"], operation, wire)
                for row in bound:
                    found.append((f"{prefix}:{kind['key']}", kind["arn"], listed["required"], row))
                required_unbound |= listed["required"] and not bound
        result = self._rank(_unambiguous(found), operation, required_unbound)
        for name, kind, paths, role in reviewed:
            if kind == "-":
                continue
            result.append(self._reviewed(service, operation, wire, own, iam, kind, paths, role))
        return _without_repeats([row for row in result if row])

    def _match(self, kind, template, operation, wire):
        members = {name: wire.shape(ref) for name, ref in wire.members().items()}
        texts = {}
        for name, shape in members.items():
            item = wire._item(shape) if shape["type"] == "list" else shape
            if item["type"] == "string" and "enum" not in item:
                texts[name] = shape["type"]
        rows = []
        wanted = variables(template)
        own = {stem(kind), stem(wanted[-1]) if wanted else stem(kind)} - {""}
        for name in texts:
            named_arn = plain(name).endswith(("arn", "arns", "arnlist"))
            if named_arn and (stem(name) in own or plain(name) in GENERIC_ARN):
                rows.append([("@arn", wire.resolve(name), "")])
        single = [self._member(v, kind, operation, texts, len(wanted)) for v in wanted]
        if wanted and all(single) and len(set(single)) == len(single):
            rows.append([(v, wire.resolve(m), "") for v, m in zip(wanted, single)])
        return [row for row in rows if all(path for _, path, _ in row)]

    def _member(self, variable, kind, operation, texts, count):
        for same in (lambda m: plain(m) == plain(variable),
                     lambda m: singular(plain(m)) == plain(variable),
                     lambda m: stem(m) and stem(m) == stem(variable)):
            hits = [m for m in texts if same(m)]
            if len(hits) == 1:
                return hits[0]
            if hits:
                lists = [m for m in hits if texts[m] == "string"]
                return lists[0] if len(lists) == 1 else None
        if count == 1:
            about = {stem(kind), stem(variable)} - {""}
            if any(a in plain(operation) for a in about):
                for name in ("name", "names", "id", "ids", "identifier"):
                    hits = [m for m in texts if plain(m) == name]
                    if len(hits) == 1:
                        return hits[0]
            hits = [m for m in texts if stem(m) and stem(m) == stem(kind)]
            if len(hits) == 1:
                return hits[0]
        return None

    def _rank(self, found, operation, required_unbound):
        """Primary is what the operation is about: named by it, or else the only required type."""
        def about(row):
            kind = stem(row[0].split(":", 1)[1].split("/")[0])
            last = stem((variables(row[1]) or [""])[-1])
            return any(s and s in plain(operation) for s in (kind, last))

        named = [row for row in found if about(row)]
        result = []
        for row in found:
            generic = row[3][0][0] == "@arn" and plain(row[3][0][1].split(".")[-1]) in GENERIC_ARN
            primary = row in named or generic or (not named and not required_unbound
                                                  and (row[2] or len(found) == 1))
            # A member that takes any resource's ARN does not say of which type.
            kind, template = ("", "") if generic else row[:2]
            result.append((kind, template, "P" if primary else "S", row[3]))
        return result

    def _reviewed(self, service, operation, wire, own, iam, kind, paths, role):
        if kind.startswith("arn:"):
            template, name = kind, kind.split(":")[2]
        else:
            prefix, key = own, kind
            entry = iam[prefix]["types"].get(key) or next(
                t for t in iam[prefix]["types"].values() if t["key"] == key)
            template, name = entry["arn"], f"{prefix}:{key}"
        row = []
        for part in paths.split(";") if paths else []:
            variable, path = part.split("=", 1)
            path, _, default = path.partition("|")
            if path.startswith("@keys:"):
                path = wire.resolve(path.removeprefix("@keys:"))
                resolved = path and "@keys:" + path.removesuffix("{}")
            else:
                resolved = path if path.startswith("@") else wire.resolve(path)
            if resolved is None:
                return None
            row.append((variable, resolved, default))
        missing = set(variables(template)) - {v for v, _, _ in row}
        if missing and not any(v.startswith("@") for v, _, _ in row):
            raise SystemExit(f"bindings.tsv: {service} {operation} {kind}: no path for {missing}")
        return (name, template, role, row)


def _unambiguous(found):
    """One id that could be of several types names none of them."""
    counts = {}
    for row in found:
        counts[_paths(row)] = counts.get(_paths(row), 0) + 1
    return [row for row in found if counts[_paths(row)] == 1 or row[3][0][0] == "@arn"]


def _paths(row):
    return tuple(path for _, path, _ in row[3])


def _without_repeats(rows):
    result = []
    for row in rows:
        # Generic ARN members stand for every type at once.
        if any(r[3] == row[3] and r[3] and r[3][0][0] == "@arn" for r in result):
            continue
        if row not in result:
            result.append(row)
    return result
