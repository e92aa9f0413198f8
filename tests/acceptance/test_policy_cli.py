"""`keyturn policy` as a person runs it: the real binary, real files, exit codes."""

import json
import pathlib
import subprocess

import harness
import pytest

ALLOW_ALL = "permit (principal, action, resource);\n"
SCHEMA = "entity U, R;\naction a appliesTo { principal: U, resource: R };\n"


def policy(*words, text=None, timeout=60):
    return subprocess.run([harness.KEYTURN, "policy", *map(str, words)], input=text, capture_output=True,
                          timeout=timeout, check=False)


def write_case(folder, name, decision="allow"):
    (folder / f"{name}.cedar").write_text(ALLOW_ALL)
    (folder / f"{name}.cedarschema").write_text(SCHEMA)
    (folder / f"{name}.entities.json").write_text("[]")
    request = {"principal": {"type": "U", "id": "u"}, "action": {"type": "Action", "id": "a"},
               "resource": {"type": "R", "id": "r"}, "context": {}, "decision": decision,
               "reason": ["policy0"], "errors": []}
    (folder / f"{name}.json").write_text(json.dumps({
        "policies": f"{name}.cedar", "schema": f"{name}.cedarschema",
        "entities": f"{name}.entities.json", "shouldValidate": True, "requests": [request]}))


BAD = {
    "too large": (b"permit (principal, action, resource) when { \"" + b"x" * (9 << 20) + b"\" };",
                  b"larger than the limit of 8388608 bytes, which ends at line 1, column 8388609"),
    "too deep": (b"permit (principal, action, resource) when { " + b"(" * 100_000 + b"1" + b")" * 100_000 + b" };",
                 b"line 1, column"),
    "not text": (b"permit (principal, action, \xff\xfe);", b"not valid UTF-8"),
    "byte-order mark": (b"\xef\xbb\xbf" + ALLOW_ALL.encode(), b"byte-order mark"),
    "no end": (b"permit (principal,\n  action", b"line 2, column 9"),
    "number": (b"permit (principal, action, resource) when { 9223372036854775808 > 0 };", b"line 1, column 45"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", [("format",), ("translate", "--to", "json")])
def test_malformed_policies_are_an_error_with_a_place(name, command):
    text, expected = BAD[name]
    done = policy(*command, "-", text=text)
    assert done.returncode == 1 and done.stdout == b""
    assert expected in done.stderr and done.stderr.startswith(b"keyturn: -: "), done.stderr[:500]
    assert len(done.stderr) < 2_000


def test_entities_that_contradict_themselves_are_not_loaded_in_part(tmp_path):
    (tmp_path / "all.cedar").write_text(ALLOW_ALL)
    def entity(name, level, *parents):
        return {"uid": {"type": "U", "id": name}, "attrs": {"level": level},
                "parents": [{"type": "U", "id": parent} for parent in parents]}
    bad = {
        "cycle": [entity("a", 1, "b"), entity("b", 1, "c"), entity("c", 1, "a")],
        "duplicate entity": [entity("a", 1), entity("a", 2)],
        "9223372036854775808": [entity("a", 9223372036854775808)],
    }
    for expected, entities in bad.items():
        (tmp_path / "entities.json").write_text(json.dumps(entities))
        done = policy("authorize", "--policies", tmp_path / "all.cedar", "--entities", tmp_path / "entities.json",
                      "--principal", 'U::"a"', "--action", 'Action::"a"', "--resource", 'R::"r"')
        assert done.returncode == 1 and done.stdout == b"", done
        assert expected.encode() in done.stderr, done.stderr


def test_authorize_exits_0_for_allow_and_2_for_deny(tmp_path):
    request = ["--principal", 'U::"a"', "--action", 'Action::"a"', "--resource", 'R::"r"']
    allowed = policy("authorize", "--policies", "-", *request, text=ALLOW_ALL.encode())
    assert (allowed.returncode, allowed.stdout) == (0, b"allow\n  by `policy0`\n")
    denied = policy("authorize", "--policies", "-", *request, "--json", text=b"")
    assert denied.returncode == 2
    assert json.loads(denied.stdout) == {"decision": "deny", "reasons": [], "errors": []}


def test_a_corpus_folder_is_run_and_what_is_broken_in_it_is_counted(tmp_path):
    for name in ("one", "two", "three"):
        write_case(tmp_path, name)
    done = policy("corpus", tmp_path)
    assert (done.returncode, done.stdout) == (0, b"3 cases, 3 requests, 0 disagree\n")
    write_case(tmp_path, "two", decision="deny")
    (tmp_path / "three.cedarschema").unlink()
    (tmp_path / "four.json").write_text('{"policies": [')
    done = policy("corpus", tmp_path, "--json")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1 and lines[-1] == "3 cases, 2 requests, 3 disagree"
    assert sorted(json.loads(line)["id"] for line in lines[:-1]) == ["four", "three", "two"]


def test_the_default_pack_passes_its_cases_and_none_is_left_out():
    done = policy("test", pathlib.Path(harness.ROOT) / "policies", "--json")
    assert done.returncode == 0, done
    result = json.loads(done.stdout)
    assert result["failures"] == [] and result["not_exercised"] == [] and result["cases"] >= 27
