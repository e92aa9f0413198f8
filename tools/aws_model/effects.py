"""The effect of an operation: the strictest of what its access level, its verb, its output and the
reviewed overlay say. Only the overlay may lower it."""

import fnmatch
import re

ORDER = "orcdg"  # observe < reveal < change < destroy < grant

READ_VERBS = set("""Get List Describe Search Query Scan Lookup Head Check Count Estimate Preview
Validate Simulate Filter Discover Detect Select View Is Has Find Retrieve Read Resolve Calculate
Compare Verify Fetch Show Browse Inspect Evaluate Analyze Classify Recognize Translate Predict
Forecast Download Explain Suggest Autocomplete Geocode Reverse Optimize Identify Contains Match
Peek Test Health Ping Lookup Decode Aggregate Sample Summarize Rerank Tokenize Converse""".split())
DESTROY_VERBS = set("""Delete Terminate Purge Destroy Deregister Release Reset Expire Evict Discard
Drop Flush Wipe Forget Retire Decommission Unregister Deprovision Erase Clear Uninstall Undeploy
Deprecate Abort Shutdown Empty Truncate Revert Rollback Cleanup Recycle Rebuild""".split())
# Who may do what, whatever the access level says: policies of resources, permissions, shares,
# administrators of organizations, membership of groups, keys that let their holder in.
GRANTS = re.compile(
    r"(Put|Set|Create|Update|Delete|Add|Remove|Attach|Detach|Replace|Associate|Disassociate|"
    r"Batch\w*?)"
    r"\w*(ResourcePolicy|ResourcePolicyStatement|ResourcePermissionStatement|AccessPolicy|"
    r"PermissionsPolicy|ClusterPolicy|SinkPolicy|Permissions?(V2)?|ResourcePermissions?|"
    r"PermissionGroup|PermissionSet|ResourceShare|ResourceSharePermission|AccessGrant|"
    r"RoleToGroup|RoleFromGroup|UserToGroup|UserFromGroup|MemberToGroup|MemberFromGroup|"
    r"RoleToDBCluster|RoleFromDBCluster)$|"
    r"(Enable|Disable|Register|Deregister|Associate|Disassociate|Put)\w*"
    r"(DelegatedAdmin|OrganizationAdminAccount|AdminAccount|DelegatedAdminAccount|"
    r"DelegatedAdministrator)$|"
    r"(Create|Update|Import)(Workspace)?(ApiKeys?|APIKey|AccessKey)$|"
    r"Invite(Members|Users|Account\w*)$|"
    r"(Authorize|Revoke)\w*(Access|EndpointAccess|EndpointConnections)$")
# Answers with what lets its reader in.
HANDS_OUT = re.compile(
    r"(Get|Create|Generate|Retrieve)\w*(Credentials|AccessToken|AuthToken|AuthorizationToken|"
    r"PresignedUrl|PresignedNotebookUrl|PresignedDomainUrl|PresignedNotebookInstanceUrl|"
    r"EmbedUrl|SignedUrl)$|Assume\w*Role\w*|ExportCertificate$")

# Members of answers that are credentials or secrets.
SECRET = re.compile(
    r"(secret|password|passphrase|privatekey|plaintext|accesskey$|credential|authtoken|"
    r"accesstoken|sessiontoken|bearertoken|authorizationtoken|connectionstring|secretstring|"
    r"secretbinary|refreshtoken|idtoken|apikey$|authorizationdata|keymaterial)", re.I)
NO_SECRET = re.compile(
    r"(nexttoken|clienttoken|paginationtoken|continuationtoken|arn|^secretid$|secretname|"
    r"policy|enabled|status|version|date|count|provider|type|url|uri|name|id$|list$|created|"
    r"lastused|rotation|expir|location|hash|scope|idp|field|format|source|s3|options|config|age|"
    r"last|required|mode|validity|setting|length|disabled|updated|usage|digest|stage|store|"
    r"reference|metadata|report)", re.I)


def verb(operation):
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", operation)
    if words and words[0] in ("Batch", "Bulk", "Admin", "Transact", "Force") and len(words) > 1:
        return words[1]
    return words[0].capitalize() if words else ""


def stricter(a, b):
    return max(a, b, key=ORDER.index)


def by_level(level):
    if "Permissions management" in level:
        return "g"
    if "Write" in level or "Tagging" in level:
        return "c"
    if level in ("Read", "List"):
        return "o"
    return None


def by_verb(operation):
    word = verb(operation)
    if word in DESTROY_VERBS or re.search(r"(Schedule|Start|Batch|Initiate|Request)\w*Deletion",
                                          operation):
        return "d"
    if re.match(r"(Batch|Bulk|Start|Transact|Admin|Force|Request)\w*?(Delete|Terminate|Purge)",
                operation):
        return "d"
    return "o" if word in READ_VERBS else "c"


def hands_out_secrets(model, operation):
    shapes = model["shapes"]
    output = operation.get("output", {}).get("shape")

    def walk(name, depth, seen):
        shape = shapes[name]
        if depth == 0 or name in seen:
            return False
        if shape["type"] == "structure":
            for member, ref in shape["members"].items():
                inner = shapes[ref["shape"]]
                sensitive = ref.get("sensitive") or inner.get("sensitive")
                leaf = inner["type"] in ("string", "blob")
                if leaf and SECRET.search(member) and not NO_SECRET.search(member):
                    if sensitive or inner.get("sensitive"):
                        return True
                if walk(ref["shape"], depth - 1, seen | {name}):
                    return True
            return False
        if shape["type"] == "list":
            return walk(shape["member"]["shape"], depth - 1, seen | {name})
        if shape["type"] == "map":
            return walk(shape["value"]["shape"], depth - 1, seen | {name})
        return False

    return bool(output) and walk(output, 6, frozenset())


class Effects:
    def __init__(self, overlay):
        self.overlay = {}
        for service, operations, effect, reversible, flags, comment in overlay:
            for operation in operations.split(","):
                self.overlay.setdefault(service, []).append(
                    (operation, effect, reversible, flags, comment))
        self.used = set()

    def classify(self, service, name, model, operation, levels):
        """(effect, reversible, flags, why)."""
        for pattern, effect, reversible, flags, comment in self.overlay.get(service, []):
            if fnmatch.fnmatchcase(name, pattern):
                self.used.add((service, pattern))
                return effect[0], reversible == "yes", flags.strip("-"), comment
        effect = by_verb(name)
        source = "verb"
        known = [by_level(level) for level in levels if by_level(level)]
        for level in known:
            if ORDER.index(level) > ORDER.index(effect):
                effect, source = level, "level"
        if not known and effect == "o":
            # Nobody but its name says that it only reads; botocore may.
            source = "verb"
        if GRANTS.match(name):
            effect, source = "g", "verb"
        if effect in "oc" and HANDS_OUT.match(name):
            effect, source = stricter("r", effect), "output"
        if effect == "o" and hands_out_secrets(model, operation):
            effect, source = "r", "output"
        return effect, effect != "d", "", {"verb": "=v", "level": "=l", "output": "=s"}[source]
