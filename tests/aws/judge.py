"""The judges of tests/aws/coverage. They share no code with tools/aws_model but the reading of the
two public sources, and no table with data/aws."""

import collections
import dataclasses
import functools
import re

ORDER = ["observe", "reveal", "change", "destroy", "grant"]
DELETES = re.compile(r"(Batch|Bulk|Admin|Force)?(Delete|Terminate|Purge)[A-Z]")
READS = re.compile(r"(Get|List|Describe|Head|BatchGet|Search)[A-Z]")
# Prefixes that neither the signing name nor the endpoint gives.
PREFIXES = {"resourcegroupstaggingapi": "tag", "cloudcontrol": "cloudformation",
            "partnercentral-selling": "partnercentral", "partnercentral-account": "partnercentral",
            "partnercentral-benefits": "partnercentral",
            "partnercentral-channel": "partnercentral", "mturk": "mechanicalturk",
            "iotsecuretunneling": "iot", "iot-data": "iot", "iot-jobs-data": "iotjobsdata",
            "finspace-data": "finspace-api", "neptunedata": "neptune-db",
            "keyspaces": "cassandra", "taxsettings": "tax",
            "apigatewaymanagementapi": "execute-api"}
ACCOUNT, REGION = "123456789012", "us-east-1"


@dataclasses.dataclass
class Tally:
    operations: int = 0
    routed: int = 0
    judged_actions: int = 0
    actions: int = 0
    effects: int = 0
    lower: int = 0
    reads: int = 0
    destroyed_reads: int = 0
    bound: int = 0
    star: int = 0
    missed: int = 0
    wrong: int = 0


@dataclasses.dataclass
class Reviewed:
    operations: int = 0
    services: int = 0
    exact: int = 0
    lower: int = 0
    higher: int = 0
    examples: int = 0
    examples_right: int = 0


def plain(text):
    return re.sub(r"[^a-z0-9]", "", text.lower())


def rows(path, columns):
    result = []
    for number, line in enumerate(path.read_text().splitlines()):
        cells = line.split("\t")
        if number and line and not line.startswith("#"):
            assert len(cells) == columns, f"{path}: {line}"
            result.append(cells)
    return result


class Truth:
    def __init__(self, services, iam, folder):
        self.services, self.iam = services, iam
        self.effects = {(s, o): (e, why) for s, o, e, why
                        in rows(folder / "effects_reviewed.tsv", 4)}
        self.actions = {}
        for service, operations, actions, _ in rows(folder / "actions_reviewed.tsv", 4):
            for operation in operations.split(","):
                self.actions[service, operation] = actions.split(",")
        self.resources = {}
        for service, operation, wanted in rows(folder / "resources_reviewed.tsv", 3):
            self.resources[service, operation] = set(wanted.split(" "))

    def prefixes(self, service):
        meta = self.services[service]["metadata"]
        listed = [PREFIXES.get(service), meta.get("signingName"), meta["endpointPrefix"], service]
        return [p for p in dict.fromkeys(listed) if p in self.iam]

    def action(self, service, operation):
        """The accepted primary actions, or None where nobody says."""
        reviewed = self.actions.get((service, operation))
        if reviewed:
            return reviewed
        found = [f"{p}:{self.iam[p]['actions'][operation.lower()]['name']}"
                 for p in self.prefixes(service) if operation.lower() in self.iam[p]["actions"]]
        if found:
            return found
        method = self.services[service]["operations"][operation]["http"]["method"]
        return [a.replace("@method", method)
                for a in self.actions.get((service, "*"), [])] or None

    def entry(self, action):
        prefix, _, name = action.partition(":")
        return self.iam.get(prefix, {"actions": {}})["actions"].get(name.lower())

    def members(self, service, operation):
        model = self.services[service]
        name = model["operations"][operation].get("input", {}).get("shape")
        return model["shapes"][name].get("members", {}) if name else {}

    def texts(self, service, operation):
        """Top-level members that can hold a name: texts and lists of texts."""
        shapes = self.services[service]["shapes"]
        result = []
        for name, ref in self.members(service, operation).items():
            shape = shapes[ref["shape"]]
            while shape["type"] == "list":
                shape = shapes[shape["member"]["shape"]]
            if shape["type"] == "string" and "enum" not in shape:
                result.append(name)
        return result


def wanted_effect(truth, service, operation, level):
    """(lowest, highest) effect that is true by access level and name, or the reviewed one."""
    reviewed = truth.effects.get((service, operation))
    if reviewed:
        return reviewed[0], reviewed[0]
    words = {w.strip() for w in level.split(",")} - {""}
    if words == {"Permissions management"}:
        return "grant", "grant"
    if words & {"Write", "Tagging", "Permissions management"}:
        tagging = words == {"Tagging"}
        return "destroy" if DELETES.match(operation) and not tagging else "change", "grant"
    if words and words <= {"Read", "List"}:
        return "observe", "reveal"
    if not words:
        return ("destroy" if DELETES.match(operation) else
                "observe" if READS.match(operation) else "change"), "grant"
    return "observe", "grant"


# --- resources

FILLED = {"partition", "region", "account", "accountid"}
SUFFIX = re.compile(r"(arnlist|arns?|names?|identifiers?|ids?|url|key)$")
VALUE = re.compile(r"zz-[a-z0-9]+")
GENERIC = {"name", "names", "id", "ids", "identifier", "identifiers", "arn", "arns", "resourcearn",
           "resourcearns", "resourceid", "resourceids", "resource", "resources", "resourcename",
           "resourcearnlist", "resourceidentifier", "targetarn", "sourcearn", "requesttokenarn"}
# The last part of an ARN that AWS makes up and no request knows: named without it.
LOOSE = {"cloudformation": re.compile(r"(stack|stackset)/zz-[a-z]+$")}
# A secret's ARN ends in its name and six random characters.
IDS_ARE_NAMES = {"SecretId"}
SAME = {"jobflow": "cluster"}
# What the ARN patterns of the action leave out, from the services' own documentation.
ALSO = {
    ("autoscaling", "TerminateInstanceInAutoScalingGroup"): {"ec2:instance"},
    ("ecs", "DeregisterTaskDefinition"): {"ecs:task-definition"},
    ("ecs", "RunTask"): {"ecs:cluster", "ecs:task-definition"},
    ("ecs", "StartTask"): {"ecs:cluster", "ecs:task-definition"},
    ("ssm", "StartSession"): {"ec2:instance", "ssm:document"},
    ("ssm", "SendCommand"): {"ec2:instance", "ssm:document"},
    ("elasticache", "DisassociateGlobalReplicationGroup"): {"elasticache:replicationgroup"},
    ("b2bi", "CreatePartnership"): {"b2bi:capability"},
    ("sns", "Unsubscribe"): {"sns:subscription"},
}


def stem(name):
    cut = SUFFIX.sub("", plain(name))
    return cut[:-1] if cut.endswith("s") else cut


def kind(name):
    found = SUFFIX.search(plain(name))
    word = found[1].rstrip("s") if found else ""
    return word if word in ("id", "name") else ""


def words(text):
    found = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.sub(r"[^A-Za-z]", " ", text))
    return {w.lower().rstrip("s") for w in found if len(w) > 2} - {
        "name", "arn", "identifier", "resource", "aws", "id"}


@functools.lru_cache(None)
def pattern(template):
    """A regular expression of an ARN pattern, and its variables."""
    text, names = "", []
    for part in re.split(r"(\$\{[^}]+\})", template):
        if part.startswith("${"):
            names.append(part[2:-1])
            text += "(.*?)"
        else:
            text += re.escape(part).replace(r"\*", ".*")
    return re.compile(text + r"(:\*)?\Z"), names


def types_of(truth, actions):
    result = []
    for action in actions:
        entry = truth.entry(action)
        prefix = action.split(":")[0]
        for listed in entry["resourceTypes"] if entry else []:
            found = truth.iam[prefix]["types"].get(listed["name"].lower())
            if found:
                for template in re.split(r", (?=arn:)", found["arn"]):
                    result.append((listed["name"], template, listed["required"]))
    return result


def agrees(variable, type_name, operation, value):
    """Whether a member whose plain name is `value` may stand for the variable."""
    word = value.removeprefix("zz-")
    if word in GENERIC:
        return not (kind(variable) == "id" and word in ("name", "names")
                    and variable not in IDS_ARE_NAMES)
    if kind(variable) and kind(word) and kind(variable) != kind(word):
        return False
    mine, given = stem(variable), SAME.get(stem(word), stem(word))
    about = words(variable) | words(type_name) | {mine, stem(type_name)}
    return any(w and (w in given or given in w) for w in about) or \
        any(w in word for w in words(operation))


def judge_arn(truth, service, operation, types, arn):
    """Whether an ARN of the answer is one that the action is about."""
    names = VALUE.findall(arn)
    if arn.startswith("arn:aws:zz:"):
        # Given whole: what it names is right by itself. It must be about what the action is about.
        word = names[0].removeprefix("zz-") if names else ""
        about = set().union(*(words(t) | {stem(t)} for t, _, _ in types), words(operation), set())
        return word in GENERIC or not types or word == "subscriptionarn" or any(
            w and (w in word or stem(word) in w) for w in about)
    fields = arn.split(":", 5)
    kind_of_arn = f"{fields[2]}:{re.split('[:/]', fields[5])[0]}"
    if kind_of_arn in ALSO.get((service, operation), ()):
        return True
    if service in LOOSE and LOOSE[service].search(arn):
        return True
    if service in ("apigateway", "apigatewayv2"):
        # Named by the path of the request, as its permissions are.
        return arn.startswith(f"arn:aws:apigateway:{REGION}::/")
    if any(matches(t, operation, arn) for t in types):
        return True
    # A true name of something else that the request is in: a log group for a stream of it, a
    # cluster for its node group; or of anything at all where IAM knows no resource.
    heads = {stem(v) for _, t, _ in types for v in re.findall(r"\$\{([^}]+)\}", t)}
    for entry in all_types(truth, service):
        if (not types or heads & {stem(v) for v in pattern(entry[1])[1][-1:]}) and \
                matches(entry, operation, arn):
            return True
    return False


def all_types(truth, service):
    return [(key, template, False) for prefix in truth.prefixes(service)
            for key, found in truth.iam[prefix]["types"].items()
            for template in re.split(r", (?=arn:)", found["arn"])]


def matches(entry, operation, arn):
    expression, variables = pattern(entry[1])
    found = expression.match(arn)
    return bool(found) and all(
        plain(variable) in FILLED or not VALUE.fullmatch(value)
        or agrees(variable, entry[0], operation, value)
        for variable, value in zip(variables, found.groups()))


def identifiable(truth, service, operation, types):
    """Required types, or all if none is, whose ARN the request has the parts for."""
    texts = truth.texts(service, operation)
    wanted = [t for t in types if t[2]] or types
    result = []
    for type_name, template, _ in wanted:
        variables = [v for v in re.findall(r"\$\{([^}]+)\}", template) if plain(v) not in FILLED]
        arn_given = any(plain(m).endswith("arn") and stem(m) in (
            stem(type_name), stem(variables[-1]) if variables else "", "resource", "")
            for m in texts)

        def has(variable, last):
            about = {stem(variable)} | ({stem(type_name)} if last else set())
            about -= {"", "resource"}
            return any(kind(m) in ("", kind(variable)) and stem(m) in about or
                       last and plain(m) in ("identifier", "resourceid", kind(variable))
                       and (stem(type_name) in plain(operation) or not about)
                       for m in texts)

        if arn_given or (variables and all(has(v, i == len(variables) - 1)
                                           for i, v in enumerate(variables))):
            result.append((type_name, template))
    return result


def judge_resources(truth, service, operation, actions, answer):
    got = set(answer.get("resources", ["*"]))
    example = truth.resources.get((service, operation))
    if example is not None:
        if got == example:
            return "star" if got == {"*"} else "bound"
        return "missed" if got - {"*"} <= example else "wrong"
    types = types_of(truth, actions or [])
    arns = got - {"*"}
    if not all(judge_arn(truth, service, operation, types, arn) for arn in arns):
        return "wrong"
    if arns:
        return "bound"
    return "missed" if identifiable(truth, service, operation, types) else "star"


# --- all of it

def judge(truth, minimal, named):
    table = collections.defaultdict(Tally)
    shown = collections.defaultdict(list)
    reviewed = Reviewed()
    for (service, operation), answer in minimal.items():
        name = f"{service}.{operation}"
        row = table[service]
        row.operations += 1
        routed = answer.get("operation") == operation
        row.routed += routed
        if not routed:
            shown["routing"].append(f"{name}: {answer.get('operation') or answer.get('error')}")
        accepted = truth.action(service, operation)
        got = answer.get("iam_actions", [])
        if accepted is None:
            shown["unjudged"].append(f"{name}: {got}")
        else:
            row.judged_actions += 1
            right = (got[:1] or ["-"])[0].lower() in {a.lower() for a in accepted}
            row.actions += right
            if not right:
                shown["actions"].append(f"{name}: {got} instead of {accepted}")
        entry = truth.entry(accepted[0]) if accepted else None
        level = entry["accessLevel"] if entry else ""
        _effect(truth, service, operation, level, answer, row, reviewed, shown)
        verdict = judge_resources(truth, service, operation, accepted,
                                  named.get((service, operation), {}))
        setattr(row, verdict, getattr(row, verdict) + 1)
        if (service, operation) in truth.resources:
            reviewed.examples += 1
            reviewed.examples_right += verdict in ("bound", "star")
        if verdict in ("wrong", "missed"):
            types = [t.split(":", 5)[-1] for _, t, _ in types_of(truth, accepted or [])]
            shown[verdict].append(
                f"{name}: {named.get((service, operation), {}).get('resources')} of {types}, "
                f"members {truth.texts(service, operation)}")
    total = Tally(**{f.name: sum(getattr(t, f.name) for t in table.values())
                     for f in dataclasses.fields(Tally)})
    reviewed.services = len({s for s, _ in truth.effects})
    return table, total, reviewed, shown


def _effect(truth, service, operation, level, answer, row, reviewed, shown):
    name = f"{service}.{operation}"
    effect = answer.get("effect", "destroy")
    low, high = wanted_effect(truth, service, operation, level)
    rank = ORDER.index(effect)
    lower, higher = rank < ORDER.index(low), rank > ORDER.index(high)
    row.lower += lower
    row.effects += not lower and not higher
    known = (service, operation) in truth.effects
    if known:
        reviewed.operations += 1
        reviewed.exact += effect == low
        reviewed.lower += lower
        reviewed.higher += higher
        if effect != low:
            shown["reviewed"].append(f"{name}: {effect}, reviewed as {low}")
    if lower:
        shown["lower"].append(f"{name}: {effect} below {low} ({level})")
    reads = high in ("observe", "reveal")
    row.reads += reads
    if reads and rank >= ORDER.index("destroy"):
        row.destroyed_reads += 1
        shown["destroyed-reads"].append(f"{name}: {effect} ({level})")
    elif reads and higher:
        shown["strict-reads"].append(f"{name}: {effect} ({level})")
