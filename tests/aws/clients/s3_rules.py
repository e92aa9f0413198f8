"""What a request to S3 is, does and touches, by the S3 API reference: for clients that send what
they like. Written apart from Keyturn's model, to judge it. Path style only."""

import urllib.parse
import xml.etree.ElementTree

# method, on a key?, subresource → operation, effect
RULES = {
    ("GET", False, ""): ("ListObjects", "observe"),
    ("GET", False, "list-type"): ("ListObjectsV2", "observe"),
    ("GET", False, "location"): ("GetBucketLocation", "observe"),
    ("GET", False, "versions"): ("ListObjectVersions", "observe"),
    ("GET", False, "versioning"): ("GetBucketVersioning", "observe"),
    ("GET", False, "uploads"): ("ListMultipartUploads", "observe"),
    ("GET", False, "acl"): ("GetBucketAcl", "observe"),
    ("GET", False, "policy"): ("GetBucketPolicy", "observe"),
    ("GET", False, "cors"): ("GetBucketCors", "observe"),
    ("GET", False, "lifecycle"): ("GetBucketLifecycleConfiguration", "observe"),
    ("GET", False, "requestPayment"): ("GetBucketRequestPayment", "observe"),
    ("GET", False, "ownershipControls"): ("GetBucketOwnershipControls", "observe"),
    ("GET", False, "publicAccessBlock"): ("GetPublicAccessBlock", "observe"),
    ("GET", False, "encryption"): ("GetBucketEncryption", "observe"),
    ("GET", False, "tagging"): ("GetBucketTagging", "observe"),
    ("GET", False, "object-lock"): ("GetObjectLockConfiguration", "observe"),
    ("HEAD", False, ""): ("HeadBucket", "observe"),
    ("PUT", False, ""): ("CreateBucket", "change"),
    ("PUT", False, "acl"): ("PutBucketAcl", "grant"),
    ("PUT", False, "policy"): ("PutBucketPolicy", "grant"),
    ("DELETE", False, ""): ("DeleteBucket", "destroy"),
    ("DELETE", False, "policy"): ("DeleteBucketPolicy", "grant"),
    ("POST", False, "delete"): ("DeleteObjects", "destroy"),
    ("GET", True, ""): ("GetObject", "observe"),
    ("GET", True, "acl"): ("GetObjectAcl", "observe"),
    ("GET", True, "tagging"): ("GetObjectTagging", "observe"),
    ("GET", True, "uploadId"): ("ListParts", "observe"),
    ("HEAD", True, ""): ("HeadObject", "observe"),
    ("PUT", True, ""): ("PutObject", "change"),
    ("PUT", True, "copy"): ("CopyObject", "change"),
    ("PUT", True, "acl"): ("PutObjectAcl", "grant"),
    ("PUT", True, "tagging"): ("PutObjectTagging", "change"),
    ("PUT", True, "uploadId"): ("UploadPart", "change"),
    ("PUT", True, "uploadId copy"): ("UploadPartCopy", "change"),
    ("POST", True, "uploads"): ("CreateMultipartUpload", "change"),
    ("POST", True, "uploadId"): ("CompleteMultipartUpload", "change"),
    ("DELETE", True, ""): ("DeleteObject", "destroy"),
    ("DELETE", True, "uploadId"): ("AbortMultipartUpload", "destroy"),
}
SUBRESOURCES = {s.split(" ")[0] for _, _, s in RULES} - {"", "copy"}
NOTHING_GRANTED = {"", "private"}


def judge(method, target, headers, body):
    path, _, query = target.partition("?")
    bucket, slash, key = path.removeprefix("/").partition("/")
    key = urllib.parse.unquote(key)
    names = [n for n, _ in urllib.parse.parse_qsl(query, keep_blank_values=True)]
    header = {n.lower(): v for n, v in headers}
    if not bucket:
        return expect("ListBuckets", "observe", ["*"])
    found = [n for n in names if n in SUBRESOURCES]
    subresource = found[0] if found else ""
    copied = "x-amz-copy-source" in header
    if copied:
        subresource = (subresource + " copy").strip()
    operation, effect = RULES[method, bool(key), subresource]
    if header.get("x-amz-acl", "") not in NOTHING_GRANTED:
        effect = "grant"
    resources = [f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")]
    if copied:
        resources.append("arn:aws:s3:::" + urllib.parse.unquote(
            header["x-amz-copy-source"]).removeprefix("/"))
    if operation == "DeleteObjects":
        keys = [e.text for e in xml.etree.ElementTree.fromstring(body).iter()
                if e.tag.endswith("Key")]
        resources = [f"arn:aws:s3:::{bucket}/{k}" for k in keys]
    return expect(operation, effect, resources)


def expect(operation, effect, resources):
    return {"service": "s3", "operation": operation, "effect": effect, "resources": resources}
