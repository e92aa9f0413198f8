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


# Names for one thing.
SAME = {"app": "application", "configuration": "config"}
# Ends of a variable or member that say what its value is.
KINDS = re.compile(r"(identifiers?|ids?|names?|arns?|arnlist)$")


def alike(a, b):
    return a == b or SAME.get(a, a) == SAME.get(b, b)


def kind_of_value(name):
    """`id`, `name`, or nothing where it may be either."""
    found = KINDS.search(plain(name))
    word = singular(found[1]) if found else ""
    return word if word in ("id", "name") else ""


def compatible(variable, member, operation):
    """A name is no id: what is made with a name alone has an id that the request does not know."""
    a, b = kind_of_value(variable), kind_of_value(member)
    if operation.startswith("Create") and b == "name" and plain(variable).endswith("identifier"):
        return False
    return not a or not b or a == b


def first_template(text):
    """Some rows of iam-data hold several patterns; the account has many names."""
    fields = text.split(", arn:")[0].split(":", 5)
    account = re.compile(r"\$\{(accountid|owneraccount|account)\}", re.I)
    if len(fields) == 6 and account.fullmatch(fields[4]):
        fields[4] = "${Account}"
    return ":".join(fields)


# Which end of a copy a member names.
ENDS = re.compile(r"([Ss]ource|[Tt]arget|[Dd]estination|[Ee]xisting|[Nn]ew)(?=[A-Z])")


def base_of(kind):
    """`export-job` as `exportjob`, `AppMonitorResource` as `appmonitor`, `connectorv2` likewise."""
    base = re.sub(r"v\d$", "", stem(kind))
    return base.removesuffix("resource") or base


class Binder:
    def __init__(self, overlay):
        self.overlay = {}
        for services, operations, kind, paths, role, _ in overlay:
            for service in services.split(","):
                for operation in operations.split(","):
                    self.overlay.setdefault(service, []).append((operation, kind, paths, role))

    def bind(self, service, operation, wire, actions, iam, own):
        """`actions` are (prefix, entry) of the operation's IAM actions."""
        reviewed = [row for row in self.overlay.get(service, [])
                    if fnmatch.fnmatchcase(operation, row[0])]
        own_rows = [(row[1], row[1] != "-" and self._reviewed(service, operation, wire, own, iam,
                                                              *row[1:])) for row in reviewed]
        # A row whose members an operation lacks does not speak of it.
        replaced = {kind for kind, row in own_rows if row or kind == "-"}
        found = []
        required_unbound = False
        for prefix, entry in actions[:1]:
            for listed in entry["resourceTypes"]:
                kind = iam[prefix]["types"].get(listed["name"].lower())
                if kind is None or listed["name"] in replaced or "-" in replaced:
                    continue
                template = first_template(kind["arn"])
                bound = self._match(kind["key"], template, operation, wire)
                for row in bound:
                    found.append((f"{prefix}:{kind['key']}", template, listed["required"], row))
                required_unbound |= listed["required"] and not bound
        result = self._rank(_unambiguous(found, operation), operation, required_unbound)
        result += [row for _, row in own_rows]
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
        base = base_of(kind)
        own = {base, stem(wanted[-1]) if wanted else base} - {"", "resource"}
        for name in texts:
            named_arn = plain(name).endswith(("arn", "arns", "arnlist"))
            if named_arn and (plain(name) in GENERIC_ARN or
                              any(self._names(stem(name), o, operation) for o in own)):
                rows.append([("@arn", wire.resolve(name), "")])
        options = []
        for index, variable in enumerate(wanted):
            last = index == len(wanted) - 1
            fit = texts if last else {**self._enums(wire), **texts}
            options.append(self._member(variable, base if last else "", operation, fit))
        if not wanted and not rows:
            # There is one such thing in an account.
            rows.append([])
        for last in options[-1] if options else []:
            chosen = [o[0] if o else "" for o in options[:-1]] + [last]
            if all(chosen) and len(set(chosen)) == len(chosen):
                rows.append([(v, wire.resolve(m), "") for v, m in zip(wanted, chosen)])
        if len(wanted) == 1 and not rows and base and base in plain(operation):
            rows += self._nested(wanted[0], base, operation, wire)
        return [row for row in rows if all(path for _, path, _ in row)]

    def _nested(self, variable, base, operation, wire):
        """One step down: `TerminateWorkspaceRequests[].WorkspaceId`."""
        hits = []
        for outer, ref in wire.members().items():
            shape = wire.shape(ref)
            inner = wire._item(shape)
            if shape["type"] not in ("list", "structure") or inner["type"] != "structure":
                continue
            for name, leaf in inner["members"].items():
                kind = wire.shape(leaf)
                if kind["type"] == "string" and "enum" not in kind and stem(name) and compatible(
                        variable, name, operation) and (stem(name) in (stem(variable), base)):
                    hits.append(wire.resolve(f"{outer}.{name}"))
        return [[(variable, hits[0], "")]] if len(hits) == 1 else []

    def _enums(self, wire):
        return {name: "string" for name, ref in wire.members().items()
                if "enum" in wire.shape(ref)}

    def _names(self, given, wanted, operation):
        """Whether the stem of an ARN's member says this type: an ARN itself cannot be wrong."""
        if not given:
            return False
        if alike(given, wanted) or (len(wanted) > 4 and given.endswith(wanted)):
            return True
        return wanted.endswith(given) and (wanted in plain(operation) or len(given) > 5)

    def _member(self, variable, base, operation, texts):
        """The members that a variable may stand for; `base` is given for what the ARN ends in. More
        than one only where a thing is copied to another."""
        fit = {m: shape for m, shape in texts.items() if compatible(variable, m, operation)}

        def only(hits):
            if len(hits) == 1:
                return hits
            single = [m for m in hits if fit[m] == "string"]
            same = [m for m in single if plain(m) == plain(variable)]
            return same if len(same) == 1 else single if len(single) == 1 else []

        tests = [lambda m: plain(m) == plain(variable),
                 lambda m: singular(plain(m)) == plain(variable)]
        if stem(variable) not in ("", "resource"):
            tests.append(lambda m: stem(m) and alike(stem(m), stem(variable)))
        about = {base, stem(variable)} - {"", "resource"}
        if base:
            tests += [lambda m: stem(m) and alike(stem(m), base),
                      lambda m: len(base) > 4 and stem(m).endswith(base) and not ENDS.match(m)]
            if any(a in plain(operation) or SAME.get(a, a) in plain(operation) for a in about):
                tests += [lambda m: plain(m) in ("name", "names", "id", "ids", "identifier",
                                                 "resourceid", "identifiers", "arn"),
                          lambda m: len(stem(m)) > 2 and base.endswith(stem(m))
                          and plain(m) != stem(m)]
            tests.append(lambda m: len(stem(m)) > 5 and base.endswith(stem(m))
                         and plain(m) != stem(m))
        for test in tests:
            hits = [m for m in fit if test(m)]
            if hits:
                return only(hits)
        if base and operation.startswith(("Copy", "Restore", "CreateUpdated")):
            return [m for m in fit if ENDS.match(m) and any(
                alike(stem(ENDS.sub("", m)), a) for a in about)]
        return []

    def _rank(self, found, operation, required_unbound):
        """Primary is what the operation is about: named by it, or else the only required type."""
        def about(row):
            kind = base_of(row[0].split(":", 1)[1].split("/")[0])
            last = stem((variables(row[1]) or [""])[-1])
            return any(s and s in plain(operation) for s in (kind, last))

        named = [row for row in found if about(row)]
        result = []
        for row in found:
            generic = bool(row[3]) and row[3][0][0] == "@arn" and (
                plain(row[3][0][1].split(".")[-1]) in GENERIC_ARN)
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
            types = iam.get(prefix, {"types": {}})["types"]
            entry = types.get(key.lower()) or next(
                (t for t in types.values() if t["key"] == key), None)
            if entry is None:
                raise SystemExit(f"bindings.tsv: {service}: {prefix} has no type {kind}")
            template, name = first_template(entry["arn"]), f"{prefix}:{entry['key']}"
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


def _unambiguous(found, operation):
    """One id that could be of several types names none of them, unless the operation says which."""
    kept = []
    for row in found:
        same = [r for r in found if _paths(r) == _paths(row)]
        if row[3] and row[3][0][0] == "@arn" or len(same) == 1:
            kept.append(row)
            continue
        named = [r for r in same if stem(r[0].split(":", 1)[1]) in plain(operation)]
        longest = max((len(r[0]) for r in named), default=0)
        named = [r for r in named if len(r[0]) == longest]
        if named == [row]:
            kept.append(row)
    return kept


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
