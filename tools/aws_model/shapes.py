"""Where a member of an operation's input stands on the wire.

A wire path begins with its place: `b` body, `u` URI label, `q` query, `h` header. `[]` steps into
each item of a list, `{}` into each value of a map.
"""

import re

DEPTH_MAX = 5

ROLE = re.compile(r"(role_?arns?|role_?arn(update|list|forlogging)|roles?|role_?name|role_?override"
                  r"|instance_?profile(_?(arn|name|identifier))?|iamrole\w*arn)$", re.I)
# Roles that are what the operation is about, or no roles of IAM.
NOT_LENT = ("iam", "sts", "chime", "identitystore", "repostspace", "quicksight-user")


def lent_roles(service, wire):
    """Members that say as whom a service acts afterwards (iam:PassRole)."""
    if service in NOT_LENT:
        return []
    found = wire.find(lambda name, ref, shape: shape["type"] == "string" and "enum" not in shape
                      and ROLE.search(name))
    # ec2's IamInstanceProfile is {Arn, Name}.
    for parent in wire.find(lambda name, ref, shape: shape["type"] == "structure"
                            and name.lower().endswith("instanceprofile")):
        found += [f"{parent}.{child}" for child in ("Arn", "Name")
                  if wire.resolve(f"{parent}.{child}")]
    return found


class Wire:
    def __init__(self, model, operation):
        self.shapes = model["shapes"]
        self.protocol = model["metadata"]["protocol"]
        self.several = len(model["metadata"].get("protocols", [])) > 1 or (
            "awsQueryCompatible" in model["metadata"])
        self.ec2 = self.protocol == "ec2"
        self.query = self.protocol in ("query", "ec2")
        self.rest = self.protocol.startswith("rest")
        self.xml = self.protocol == "rest-xml"
        self.input = self.shapes.get(operation.get("input", {}).get("shape"), {})
        self.payload = self.input.get("payload")

    def members(self):
        return self.input.get("members", {})

    def shape(self, ref):
        return self.shapes[ref["shape"]]

    def resolve(self, path):
        """The wire path of `Delete.Objects[].Key`, or None when there is no such member."""
        steps = path.split(".")
        name = steps[0].rstrip("[]{}")
        ref = self.members().get(name)
        if ref is None:
            return None
        place = self._place(name, ref)
        if place:
            return place + ("[]" if self.shape(ref)["type"] == "list" else "")
        text = "b" if name == self.payload else "b." + self._name(name, ref)
        text += self._into(ref)
        shape = self._item(self.shape(ref))
        # The second step is a key of a map whose values have no members of their own.
        keyed = self.shape(ref)["type"] == "map" and "members" not in shape
        if keyed and len(steps) == 2 and not self.query:
            return text.removesuffix("{}") + "." + steps[1]
        for step in steps[1:]:
            name = step.rstrip("[]{}")
            ref = shape.get("members", {}).get(name)
            if ref is None:
                return None
            text += "." + self._name(name, ref) + self._into(ref)
            shape = self._item(self.shape(ref))
        return text

    def body_names(self):
        """How the members at the top of the body may be called, or None when anything may stand
        there."""
        members = self.members()
        if self.payload:
            shape = self.shape(members[self.payload])
            if shape["type"] != "structure" or shape.get("document") or shape.get("eventstream"):
                return None
            members = shape.get("members", {})
        names = []
        for name, ref in members.items():
            if self._place(name, ref):
                continue
            names.append(self._name(name, ref))
            if self.several:  # each protocol has a way of its own
                names += [name, ref.get("locationName", name)]
                shape = self.shape(ref)
                if shape["type"] == "list" and shape.get("flattened"):
                    names.append(shape["member"].get("locationName", name))
        return list(dict.fromkeys(names))

    def find(self, wanted, depth_max=DEPTH_MAX):
        """Member paths for which wanted(name, ref, shape) holds."""
        found = []
        self._find(self.input, "", wanted, depth_max, [], found)
        return found

    def _find(self, shape, prefix, wanted, depth, seen, found):
        if depth == 0:
            return
        for name, ref in shape.get("members", {}).items():
            inner = self.shape(ref)
            if wanted(name, ref, inner):
                found.append(prefix + name)
                continue
            item = self._item(inner)
            if ref["shape"] in seen:
                continue
            if inner["type"] == "list" and wanted(name, {}, item):
                found.append(prefix + name)
                continue
            if item["type"] == "structure":
                self._find(item, prefix + name + ".", wanted, depth - 1, seen + [ref["shape"]],
                           found)

    def _place(self, name, ref):
        if not self.rest:
            return None
        location = ref.get("location")
        where = {"uri": "u", "querystring": "q", "header": "h", "headers": "h"}.get(location)
        return f"{where}.{ref.get('locationName', name)}" if where else None

    def _name(self, name, ref):
        if self.ec2:
            text = ref.get("queryName") or ref.get("locationName") or name
            return text[:1].upper() + text[1:]
        if self.query:
            shape = self.shape(ref)
            if shape["type"] == "list" and shape.get("flattened"):
                return shape["member"].get("locationName") or name
        if self.query or self.rest:
            return ref.get("locationName", name)
        return name

    def _into(self, ref):
        shape = self.shape(ref)
        if shape["type"] == "map":
            return "{}"
        if shape["type"] != "list":
            return ""
        item = shape["member"].get("locationName", "member")
        flat = self.ec2 or shape.get("flattened") or ref.get("flattened")
        if flat or not (self.query or self.xml) or (self.query and item == "member"):
            return "[]"
        return f".{item}[]"

    def _item(self, shape):
        while shape["type"] in ("list", "map"):
            shape = self.shape(shape["member"] if shape["type"] == "list" else shape["value"])
        return shape
