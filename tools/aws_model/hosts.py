"""Upstream hosts by service and partition, from botocore's endpoint rules."""

import collections
import gzip
import json
import sys

PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-eusc")


def load_hosts(python, services):
    """{service: [(partition, host, signing region or '', {region: (host, signing region)})]}."""
    sys.path.insert(0, str(python))
    from botocore.endpoint_provider import EndpointProvider

    data = python / "botocore" / "data"
    partitions = json.loads((data / "partitions.json").read_text())
    regions = {p["id"]: sorted(r for r in p["regions"] if not r.endswith("-global"))
               for p in partitions["partitions"] if p["id"] in PARTITIONS}
    result = {}
    for name, model in services.items():
        latest = sorted((data / name).glob("*/endpoint-rule-set-1.json.gz"))
        if not latest:
            continue
        with gzip.open(latest[-1]) as file:
            rules = json.load(file)
        provider = EndpointProvider(rules, partitions)
        rows = []
        for partition in PARTITIONS:
            found = {r: _resolve(provider, rules, r) for r in regions[partition]}
            found = {r: host for r, host in found.items() if host}
            if not found:
                continue
            common = collections.Counter(found.values()).most_common(1)[0][0]
            others = {r: host for r, host in found.items() if host != common}
            rows.append((partition, *common, others))
        result[name] = rows
    return result, {name: sorted({_prefix(r) for r in listed}) for name, listed in regions.items()}


def _prefix(region):
    """`us-gov-` of us-gov-west-1, `eu-` of eu-central-1."""
    return "-".join(region.split("-")[:-2]) + "-"


def _resolve(provider, rules, region):
    given = {"Region": region, "UseFIPS": False, "UseDualStack": False, "UseGlobalEndpoint": False,
             "UseS3ExpressControlEndpoint": False, "DisableAccessPoints": False,
             "ForcePathStyle": True, "Accelerate": False, "UseArnRegion": True,
             "RequiresAccountId": False, "AccountIdEndpointMode": "disabled"}
    parameters = {k: v for k, v in given.items() if k in rules["parameters"]}
    try:
        endpoint = provider.resolve_endpoint(**parameters)
    except Exception:  # an account or an operation decides: no host by region alone
        return None
    host = endpoint.url.removeprefix("https://").rstrip("/")
    if "/" in host:
        return None
    signing = ""
    for scheme in endpoint.properties.get("authSchemes", []):
        if scheme.get("name") == "sigv4" and scheme.get("signingRegion"):
            signing = scheme["signingRegion"]
    return host.replace(region, "{region}"), "" if signing == region else signing
