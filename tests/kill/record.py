"""What the ledger says after a crash, hashed again here, against what clients and upstream know."""

import base64
import collections
import hashlib
import json

from upstream import MARK

PAGE = 500


def sha256(data):
    return hashlib.sha256(data).digest()


class Tree:
    """The root of RFC 6962 as leaves are added."""

    def __init__(self):
        self.peaks, self.size = [], 0

    def add(self, text):
        node, leaves = sha256(b"\0" + text.encode()), 1
        self.size += 1
        while self.peaks and self.peaks[-1][1] == leaves:
            node, leaves = sha256(b"\1" + self.peaks.pop()[0] + node), leaves * 2
        self.peaks.append((node, leaves))

    def root(self):
        if not self.peaks:
            return sha256(b"")
        node = self.peaks[-1][0]
        for peak, _ in reversed(self.peaks[:-1]):
            node = sha256(b"\1" + peak + node)
        return node


class Record:
    def __init__(self):
        self.tree = Tree()
        self.verdicts = collections.defaultdict(collections.Counter)  # by mark
        self.allowed, self.outcomes = {}, collections.Counter()  # by index of the verdict
        self.grants_used, self.grants_issued = collections.Counter(), set()
        self.reviews = set()
        self.kinds = collections.Counter()
        self.checkpoints = collections.Counter()  # by who signs

    def read(self, get):
        """Reads what is new; everything before is in the root."""
        while True:
            answer = get(f"/v1/ledger?from={self.tree.size}&limit={PAGE}")
            for entry in answer["entries"]:
                self.add(entry, get)
            if not answer["entries"]:
                break
        head = answer["head"]
        check(head["size"] == self.tree.size, "the head counts %s entries, there are %s", head["size"],
              self.tree.size)
        check(head["root"] == self.tree.root().hex(), "the entries do not give the head's root")

    def add(self, entry, get):
        content = json.loads(entry["text"])
        check(content["index"] == self.tree.size, "entry %s is in the place of %s", content["index"],
              self.tree.size)
        self.tree.add(entry["text"])
        kind, body = content["kind"], content["body"]
        self.kinds[kind] += 1
        if kind == "action.decided":
            mark = MARK.search(json.dumps(body["action"]) + kept_beside(content, get))
            if mark:
                self.verdicts[mark.group(0)][body["verdict"]] += 1
            if body["verdict"] == "allow":
                self.allowed[content["index"]] = (mark.group(0) if mark else None, body.get("grant"))
            if body.get("grant"):
                self.grants_used[body["grant"]] += 1
        elif kind == "action.outcome":
            self.outcomes[body["decided"]] += 1
        elif kind == "grant.issued":
            self.grants_issued.add(body["grant"])
        elif kind == "review.given":
            self.reviews.add((body["change"], body["person"]))

    def check_published(self, signer, note):
        """The signed checkpoint is of a beginning of this ledger, and never goes back."""
        _, size, root = note.split("\n")[:3]
        check(self.checkpoints[signer] <= int(size) <= self.tree.size, "the checkpoint says %s after %s, of %s", size,
              self.checkpoints[signer], self.tree.size)
        if int(size) == self.tree.size:
            check(base64.b64decode(root) == self.tree.root(), "the checkpoint has another root")
        self.checkpoints[signer] = int(size)

    def check(self, known, executed, looks, whole):
        """`known` is what was acknowledged to clients; the others are upstream's counts by mark. `whole`: every
        action has ended."""
        for mark, verdicts in known.verdicts.items():
            for verdict, count in verdicts.items():
                check(self.verdicts[mark][verdict] >= count,
                      "%s was told `%s` %s times, the ledger has %s: an acknowledged record is lost", mark,
                      verdict, count, self.verdicts[mark][verdict])
            if verdicts["allow"]:
                check(mark in executed or mark in looks, "%s was answered but never executed", mark)
        for mark, count in executed.items():
            check(count == 1, "%s was executed %s times", mark, count)
        for mark in [*executed, *looks]:
            check(self.verdicts[mark]["allow"] >= 1, "%s was executed unrecorded", mark)
        for index, (mark, grant) in self.allowed.items():
            check(self.outcomes[index] in ((1,) if whole else (0, 1)), "the action at %s has %s outcomes", index, self.outcomes[index])
            check(mark not in known.reviewed or grant, "%s needs a review and was allowed without", mark)
        for index in self.outcomes:
            check(index in self.allowed, "an outcome of %s, which was not allowed", index)
        for grant, count in self.grants_used.items():
            check(count == 1, "the grant %s was used %s times", grant, count)
            check(grant in self.grants_issued, "the grant %s was used but never issued", grant)
        lost = known.reviews - self.reviews
        check(not lost, "acknowledged reviews are lost: %s", lost)


def kept_beside(content, get):
    """The parameters of a decided action, which its entry names by their digest."""
    text = ""
    for kept in get(f"/v1/ledger/{content['index']}/contents")["contents"]:
        check(sha256(kept["text"].encode()).hex() == kept["digest"] and kept["digest"] in json.dumps(content),
              "what is kept beside entry %s is not what it names", content["index"])
        text += kept["text"]
    return text


def check(holds, message, *values):
    if not holds:
        raise AssertionError(message % values)
