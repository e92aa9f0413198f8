"""STS through the gate: unmodified clients assume roles and get keys that work at the gate and nowhere else."""

import json
import os
import subprocess
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.httpsession
import harness
import pytest
from botocore.exceptions import ClientError

ROLE = "deployer"
TRUST = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
RIGHTS = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": ["dynamodb:*", "sts:*"], "Resource": "*"}]}


@pytest.fixture(scope="module")
def role(world):
    iam = harness.client("iam", world.url, harness.upstream_credentials(world))
    made = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.put_role_policy(RoleName=ROLE, PolicyName="work", PolicyDocument=json.dumps(RIGHTS))
    return made["Arn"]


def keys_of(answer):
    given = answer["Credentials"]
    return {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"]}


def test_boto3_assumes_a_role_with_keys_that_work_at_the_gate_alone(world, gate, role):
    session = gate.session()
    answer = harness.client("sts", gate.url, session).assume_role(RoleArn=role, RoleSessionName="work")
    assert answer["AssumedRoleUser"]["Arn"].endswith(f":assumed-role/{ROLE}/work")
    keys = keys_of(answer)
    assert keys["aws_access_key_id"] not in (session["aws_access_key_id"], world.key["AccessKeyId"])

    who = harness.client("sts", gate.url, keys).get_caller_identity()
    assert who["Arn"] == answer["AssumedRoleUser"]["Arn"]
    tables = harness.client("dynamodb", gate.url, keys)
    tables.create_table(TableName="by-role", BillingMode="PAY_PER_REQUEST",
                        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    # What the role may not, AWS refuses: these are not the gate's own rights.
    with pytest.raises(ClientError, match="AccessDenied"):
        harness.client("sns", gate.url, keys).list_topics()
    assert harness.client("sns", gate.url, session).list_topics()["Topics"] == []

    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        harness.client("sts", world.url, keys).get_caller_identity()

    started = [json.loads(entry["text"])["body"] for entry in gate.ledger()
               if '"session.started"' in entry["text"]]
    assert started[-1]["parent"] == session["id"] and started[-1]["role"] == role
    assert started[-1]["acts_as"] == who["Arn"]
    # They end with the session that asked for them.
    gate.run("session", "end", session["id"], who="alice")
    with pytest.raises(ClientError, match="ExpiredToken"):
        harness.client("sts", gate.url, keys).get_caller_identity()


def test_the_aws_cli_assumes_a_role_by_command_and_by_profile(world, gate, role, tmp_path):
    session = gate.session()
    config = tmp_path / "config"
    config.write_text(f"[profile work]\nrole_arn = {role}\ncredential_source = Environment\n"
                      f"role_session_name = cli\nregion = {harness.REGION}\n")

    def cli(*arguments, endpoint=gate.url, keys=None):
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ENDPOINT_URL": endpoint,
                       "AWS_CONFIG_FILE": str(config), "AWS_EC2_METADATA_DISABLED": "true",
                       "AWS_DEFAULT_REGION": harness.REGION}
        environment.update({name.upper(): value for name, value in (keys or session).items() if name != "id"})
        return subprocess.run([os.path.join(harness.BIN, "aws"), "--endpoint-url", endpoint, *arguments],
                              env=environment, capture_output=True, text=True, timeout=60, check=False)

    done = cli("sts", "assume-role", "--role-arn", role, "--role-session-name", "cli")
    assert done.returncode == 0, done.stderr
    keys = keys_of(json.loads(done.stdout))
    done = cli("sts", "get-caller-identity", keys=keys)
    assert f"assumed-role/{ROLE}/cli" in done.stdout, done.stderr
    done = cli("sts", "get-caller-identity", endpoint=world.url, keys=keys)
    assert "InvalidClientTokenId" in done.stderr
    done = cli("sts", "get-session-token", "--duration-seconds", "900")
    assert done.returncode == 0, done.stderr
    keys = keys_of(json.loads(done.stdout))
    assert cli("dynamodb", "list-tables", keys=keys).returncode == 0
    assert "InvalidClientTokenId" in cli("sts", "get-caller-identity", endpoint=world.url, keys=keys).stderr
    # As tools do it: the profile assumes the role at the same endpoint.
    done = cli("dynamodb", "list-tables", "--profile", "work")
    assert done.returncode == 0, done.stderr


def test_a_federated_user_gets_keys_of_the_gate_and_acts_upstream_as_that_user(world, gate):
    session = gate.session()
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["dynamodb:*", "sts:*"], "Resource": "*"}]}
    answer = harness.client("sts", gate.url, session).get_federation_token(
        Name="guest", Policy=json.dumps(policy, separators=(",", ":")), DurationSeconds=900)
    keys = keys_of(answer)
    assert keys["aws_access_key_id"] not in (session["aws_access_key_id"], world.key["AccessKeyId"])
    assert answer["FederatedUser"]["Arn"].endswith(":federated-user/guest")
    started = [json.loads(entry["text"])["body"] for entry in gate.ledger()
               if '"session.started"' in entry["text"]]
    assert started[-1]["parent"] == session["id"]
    assert started[-1]["acts_as"] == answer["FederatedUser"]["Arn"]
    # moto does not know the keys that it gives out here: that they are refused shows with whose rights it was asked.
    with pytest.raises(ClientError, match="ExpiredToken.*federated-user/guest"):
        harness.client("sts", gate.url, keys).get_caller_identity()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        harness.client("sts", world.url, keys).get_caller_identity()
    gate.run("session", "end", session["id"], who="alice")
    with pytest.raises(ClientError, match="ExpiredToken"):
        harness.client("sts", gate.url, keys).get_caller_identity()


def test_after_a_restart_the_role_must_be_assumed_again(gate, role):
    sts = harness.client("sts", gate.url, gate.session())
    keys = keys_of(sts.assume_role(RoleArn=role, RoleSessionName="work"))
    gate.stop()
    gate.start()
    with pytest.raises(ClientError, match="assume the role again"):
        harness.client("dynamodb", gate.url, keys).list_tables()

    def assume():  # what was signed in the second of the last decision before the stop is refused as such
        try:
            return sts.assume_role(RoleArn=role, RoleSessionName="work")
        except ClientError as error:
            assert "RequestExpired" in str(error)
            return None

    keys = keys_of(harness.wait_until(assume, "a role"))
    harness.client("dynamodb", gate.url, keys).list_tables()


def test_what_the_gate_cannot_answer_stays_denied(gate, role):
    sts = harness.client("sts", gate.url, gate.session())
    with pytest.raises(ClientError, match="(AccessDenied|MissingAuthenticationToken)"):
        sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="web", WebIdentityToken="token")
    with pytest.raises(ClientError, match="credentials that work outside the gate"):
        sts.get_web_identity_token(Audience=["a"], SigningAlgorithm="RS256")


# Clients never sign these; signed by hand they are judged like any other.
def test_what_clients_send_unsigned_is_refused_and_signed_it_is_judged(gate, role):
    session = gate.session()
    sts = harness.client("sts", gate.url, session)
    with pytest.raises(ClientError, match="the request is not signed; use the keys that `keyturn run`"):
        sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="web", WebIdentityToken="token")
    credentials = botocore.credentials.Credentials(
        session["aws_access_key_id"], session["aws_secret_access_key"], session["aws_session_token"])
    request = botocore.awsrequest.AWSRequest("POST", gate.url + "/", data=urllib.parse.urlencode(
        {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": role, "RoleSessionName": "web",
         "WebIdentityToken": "token"}), headers={"Content-Type": "application/x-www-form-urlencoded"})
    botocore.auth.SigV4Auth(credentials, "sts", harness.REGION).add_auth(request)
    prepared = request.prepare()
    answer = botocore.httpsession.URLLib3Session().send(prepared)
    assert answer.status_code == 403 and "hand" in answer.text, answer.text
    assert "AssumeRoleWithWebIdentity" in gate.ledger()[-1]["text"]
