// The answers of the API as JSON Schema (draft 2020-12), the `components.schemas` of its document.
// A test holds every answer against them.
#pragma once

#include <string_view>

namespace keyturn::api {

inline constexpr std::string_view kSchemas = R"json({
"Error": {"type": "object", "additionalProperties": false, "required": ["error"], "properties": {
  "error": {"type": "object", "additionalProperties": false,
    "required": ["code", "message", "request_id"], "properties": {
    "code": {"type": "string"}, "message": {"type": "string"}, "request_id": {"type": "string"}}}}},
"Health": {"type": "object", "additionalProperties": false, "required": ["status", "version"],
  "properties": {"status": {"type": "string"}, "version": {"type": "string"}}},
"Readiness": {"type": "object", "additionalProperties": false, "required": ["ready", "checks"],
  "properties": {"ready": {"type": "boolean"}, "checks": {"type": "object",
    "additionalProperties": {"type": "string", "description": "`ok` or the reason"}}}},
"Document": {"type": "object", "description": "an OpenAPI 3.1 document"},
"Person": {"type": "object", "additionalProperties": false,
  "required": ["id", "name", "role", "state", "created"], "properties": {
  "id": {"type": "string"}, "name": {"type": "string"},
  "role": {"type": "string", "enum": ["member", "administrator"]},
  "state": {"type": "string", "enum": ["active", "suspended"]},
  "created": {"type": "string", "format": "date-time"}}},
"Persons": {"type": "object", "additionalProperties": false, "required": ["persons"],
  "properties": {
  "persons": {"type": "array", "items": {"$ref": "#/components/schemas/Person"}}}},
"NewPerson": {"type": "object", "additionalProperties": false, "required": ["person", "token"],
  "properties": {"person": {"$ref": "#/components/schemas/Person"},
  "token": {"type": "string", "description": "shown once; only its hash is stored"}}},
"Agent": {"type": "object", "additionalProperties": false,
  "required": ["id", "owner", "state", "created"], "properties": {
  "id": {"type": "string"}, "owner": {"type": "string"},
  "state": {"type": "string", "enum": ["active", "suspended"]},
  "created": {"type": "string", "format": "date-time"}}},
"Agents": {"type": "object", "additionalProperties": false, "required": ["agents"], "properties": {
  "agents": {"type": "array", "items": {"$ref": "#/components/schemas/Agent"}}}},
"Session": {"type": "object", "additionalProperties": false,
  "required": ["id", "agent", "owner", "starter", "purpose", "state", "start", "expiry", "ended",
               "access_key_id", "parent", "acts_as"], "properties": {
  "id": {"type": "string"}, "agent": {"type": "string"}, "owner": {"type": "string"},
  "parent": {"type": ["string", "null"]}, "acts_as": {"type": "string"},
  "starter": {"type": "string"}, "purpose": {"type": "string"},
  "state": {"type": "string", "enum": ["active", "expired", "ended"]},
  "start": {"type": "string", "format": "date-time"},
  "expiry": {"type": "string", "format": "date-time"},
  "ended": {"type": ["string", "null"], "format": "date-time"},
  "access_key_id": {"type": "string"}}},
"Sessions": {"type": "object", "additionalProperties": false, "required": ["sessions"],
  "properties": {"sessions": {"type": "array", "items": {"$ref": "#/components/schemas/Session"}}}},
"NewSession": {"type": "object", "additionalProperties": false,
  "required": ["session", "access_key_id", "secret_access_key", "session_token",
               "aws_endpoint_url"], "properties": {
  "session": {"$ref": "#/components/schemas/Session"}, "access_key_id": {"type": "string"},
  "secret_access_key": {"type": "string", "description": "shown once"},
  "session_token": {"type": "string", "description": "shown once"},
  "aws_endpoint_url": {"type": "string"}}},
"Review": {"type": "object", "additionalProperties": false,
  "required": ["person", "answer", "words", "digest", "time"], "properties": {
  "person": {"type": "string"}, "answer": {"type": "string", "enum": ["approve", "reject"]},
  "words": {"type": "string"}, "digest": {"type": "string"},
  "time": {"type": "string", "format": "date-time"}}},
"Change": {"type": "object", "additionalProperties": false,
  "required": ["id", "state", "summary", "effect", "tier", "agent", "owner", "starter", "session",
               "reason", "approvals", "approvals_needed", "created", "expires", "digest",
               "reviews"], "properties": {
  "id": {"type": "string"}, "state": {"$ref": "#/components/schemas/ChangeState"},
  "summary": {"type": "string"}, "effect": {"$ref": "#/components/schemas/Effect"},
  "tier": {"$ref": "#/components/schemas/Tier"}, "agent": {"type": "string"},
  "owner": {"type": "string"}, "starter": {"type": "string"}, "session": {"type": "string"},
  "reason": {"type": "string", "description": "the agent's words: hostile text"},
  "approvals": {"type": "integer"}, "approvals_needed": {"type": "integer"},
  "created": {"type": "string", "format": "date-time"},
  "expires": {"type": "string", "format": "date-time"},
  "digest": {"type": "string", "description": "what a review must name"},
  "reviews": {"type": "array", "items": {"$ref": "#/components/schemas/Review"}}}},
"CompleteChange": {"type": "object", "additionalProperties": false,
  "required": ["id", "state", "summary", "effect", "tier", "agent", "owner", "starter", "session",
               "reason", "approvals", "approvals_needed", "created", "expires", "digest", "reviews",
               "action", "action_digest", "policy_digest", "explanation"], "properties": {
  "id": {"type": "string"}, "state": {"$ref": "#/components/schemas/ChangeState"},
  "summary": {"type": "string"}, "effect": {"$ref": "#/components/schemas/Effect"},
  "tier": {"$ref": "#/components/schemas/Tier"}, "agent": {"type": "string"},
  "owner": {"type": "string"}, "starter": {"type": "string"}, "session": {"type": "string"},
  "reason": {"type": "string", "description": "the agent's words: hostile text"},
  "approvals": {"type": "integer"}, "approvals_needed": {"type": "integer"},
  "created": {"type": "string", "format": "date-time"},
  "expires": {"type": "string", "format": "date-time"},
  "digest": {"type": "string", "description": "what a review must name"},
  "reviews": {"type": "array", "items": {"$ref": "#/components/schemas/Review"}},
  "action": {"type": "object", "description": "complete and untruncated"},
  "action_digest": {"type": "string"}, "policy_digest": {"type": "string"},
  "explanation": {"$ref": "#/components/schemas/HoldExplanation"}}},
"HoldExplanation": {"type": "object", "additionalProperties": false,
  "description": "why it was held, computed from the action and the policies of policy_digest",
  "required": ["answers", "questions_omitted"], "properties": {
  "answers": {"type": "array", "items": {"$ref": "#/components/schemas/ExplainedAnswer"}},
  "questions_omitted": {"type": "integer"},
  "error": {"type": "string", "description": "when it cannot be told"}}},
"ExplainedAnswer": {"type": "object", "additionalProperties": false,
  "description": "what is asked for these principals about these resources has one answer",
  "required": ["principals", "resources", "resources_omitted", "policies", "policies_omitted"],
  "properties": {
  "principals": {"type": "array", "items": {"type": "string"}},
  "resources": {"type": "array", "items": {"type": "string"}},
  "resources_omitted": {"type": "integer"},
  "policies": {"type": "array", "items": {"$ref": "#/components/schemas/ExplainedPolicy"}},
  "policies_omitted": {"type": "integer"}}},
"ExplainedPolicy": {"type": "object", "additionalProperties": false,
  "required": ["policy", "effect", "principal_matches", "action_matches", "resource_matches",
               "truth", "conditions", "remaining"], "properties": {
  "policy": {"type": "string"}, "effect": {"type": "string", "enum": ["permit", "forbid"]},
  "principal_matches": {"type": "boolean"}, "action_matches": {"type": "boolean"},
  "resource_matches": {"type": "boolean"}, "truth": {"$ref": "#/components/schemas/Truth"},
  "conditions": {"type": "array", "items": {"type": "object", "additionalProperties": false,
    "required": ["text", "truth"], "properties": {
    "text": {"type": "string"}, "truth": {"$ref": "#/components/schemas/Truth"},
    "deciding": {"type": "string", "description": "the part that alone made it so"},
    "error": {"type": "string"},
    "values": {"type": "array", "items": {"type": "object", "additionalProperties": false,
      "required": ["expression", "value"], "properties": {
      "expression": {"type": "string"}, "value": {"type": "string"}}}}}}},
  "remaining": {"type": "string",
    "description": "what depends on reviews, as Cedar conditions; empty when nothing does"}}},
"Truth": {"type": "string", "enum": ["true", "false", "failed", "not reached"]},
"ChangeState": {"type": "string",
  "enum": ["open", "approved", "rejected", "executed", "expired", "void"]},
"Effect": {"type": "string", "enum": ["observe", "reveal", "change", "destroy", "grant"]},
"Tier": {"type": "string", "enum": ["production", "staging", "development"]},
"Changes": {"type": "object", "additionalProperties": false, "required": ["changes"],
  "properties": {
  "changes": {"type": "array", "items": {"$ref": "#/components/schemas/Change"}}}},
"GivenReview": {"type": "object", "additionalProperties": false, "required": ["change", "grant"],
  "properties": {"change": {"$ref": "#/components/schemas/Change"},
  "grant": {"type": ["object", "null"], "additionalProperties": false,
    "description": "when this review completed the quorum", "required": ["id", "expires"],
    "properties": {"id": {"type": "string"},
                   "expires": {"type": "string", "format": "date-time"}}}}},
"LedgerEntry": {"type": "object", "additionalProperties": false,
  "required": ["index", "time", "kind", "text", "leaf"], "properties": {
  "index": {"type": "integer"}, "time": {"type": "string", "format": "date-time"},
  "kind": {"type": "string"},
  "text": {"type": "string", "description": "the canonical JSON that is hashed"},
  "leaf": {"type": "string", "description": "SHA-256(0x00 || text)"}}},
"LedgerHead": {"type": "object", "additionalProperties": false, "required": ["size", "root"],
  "properties": {"size": {"type": "integer"}, "root": {"type": "string"}}},
"Ledger": {"type": "object", "additionalProperties": false, "required": ["entries", "next", "head"],
  "properties": {
  "entries": {"type": "array", "items": {"$ref": "#/components/schemas/LedgerEntry"}},
  "next": {"type": "integer", "description": "where the next page begins"},
  "head": {"$ref": "#/components/schemas/LedgerHead"}}},
"Contents": {"type": "object", "additionalProperties": false, "required": ["index", "contents"],
  "properties": {"index": {"type": "integer"},
  "contents": {"type": "array", "items": {"$ref": "#/components/schemas/Kept"}}}},
"Erased": {"type": "object", "additionalProperties": false, "required": ["entries", "more"],
  "properties": {
  "entries": {"type": "array", "items": {"type": "integer"}},
  "more": {"type": "boolean", "description": "others keep the same: erase again"}}},
"Kept": {"type": "object", "additionalProperties": false, "required": ["digest", "text"],
  "properties": {"digest": {"type": "string"},
  "text": {"type": "string", "description": "hashes to the digest (SHA-256)"}}}
})json";

}  // namespace keyturn::api
