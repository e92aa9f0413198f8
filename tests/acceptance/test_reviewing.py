"""What reviewers and operators read: a refusal alone, and a beginning that leaves nothing behind when it fails."""

import botocore.exceptions
import harness
import pytest


@pytest.fixture
def gate(world, tmp_path):
    """Everything is production here."""
    config = harness.CONFIG.replace('tier = "development"', 'tier = "production"')
    keyturn = harness.Keyturn(str(tmp_path / "k"), world.url, world.key, config=config)
    yield keyturn
    keyturn.stop()


def test_a_refused_approval_says_why_and_nothing_else(gate):
    agent = harness.client("cloudformation", gate.url, gate.session())
    with pytest.raises(botocore.exceptions.ClientError, match="keyturn change show CHG-1`"):
        agent.delete_stack(StackName="payments-prod")
    refused = gate.run("approve", "CHG-1", "--words", "mine", who="alice", expected=None)
    assert refused.returncode != 0 and refused.stdout == "", refused.stdout
    assert "owns agent `kiro`" in refused.stderr, refused.stderr
    assert "still needed:" in gate.run("change", "show", "CHG-1", who="bob").stdout

    done = gate.run("reject", "CHG-1", "--words", "use an update", who="bob").stdout
    assert "CHG-1 is rejected" in done and "payments-prod" in done, done
    shown = gate.run("change", "show", "CHG-1", who="bob").stdout
    assert "still needed" not in shown and "was needed:" in shown, shown
    with pytest.raises(botocore.exceptions.ClientError, match="use an update"):
        agent.delete_stack(StackName="payments-prod")


def test_a_suspended_person_is_told_so(gate):
    gate.run("person", "suspend", "carol", who="root")
    refused = gate.run("change", "list", who="carol", expected=None)
    assert refused.returncode != 0 and "`carol` is suspended" in refused.stderr, refused.stderr
    gate.run("person", "activate", "carol", who="root")


def test_init_without_the_credentials_it_was_to_seal_leaves_nothing(gate, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    config = folder / "keyturn.toml"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        refused = gate.run("init", "--config", str(config), "--upstream-from-environment", expected=None,
                           more={name: ""})
        assert refused.returncode != 0 and "no credentials to seal" in refused.stderr, refused.stderr
        assert list(folder.iterdir()) == []
