// The Rust crate's half of `./run bench cedar`: answers the stores and requests that bench_cedar wrote to FOLDER
// and prints a line of JSON for each row. Times are CPU time of `is_authorized` alone.
//   keyturn-bench-cedar FOLDER [CORPUS]
use std::fs;
use std::io::{BufRead, BufReader};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    Schema, ValidationMode, Validator,
};
use serde_json::{json, Value};

fn cpu_seconds() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is valid for the call.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut now) };
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

fn memory_mib(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn uid(kind: &str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind).unwrap(), EntityId::new(id))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

#[derive(Default)]
struct Row {
    samples: Vec<f64>,
    disagree: usize,
    policies: usize,
    load_s: f64,
    peak_mib: f64,
    validate_s: f64,
}

fn answer_store(store: &Value, schema: Option<&Schema>, row: &mut Row) {
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = memory_mib("VmRSS");
    let start = cpu_seconds();
    let policies = match text(store, "policy_json") {
        "" => PolicySet::from_str(text(store, "policies")).unwrap(),
        json => PolicySet::from_json_str(json).unwrap(),
    };
    row.load_s = cpu_seconds() - start;
    row.peak_mib = memory_mib("VmHWM") - before;
    row.policies = policies.policies().count();
    let entities = Entities::from_json_value(store["entities"].clone(), None).unwrap();
    let context = Context::from_json_value(store["context"].clone(), None).unwrap();
    let authorizer = Authorizer::new();
    // Every decision is linear in the policies: few of them are enough where each takes long.
    let (repeats, most) = match row.policies {
        0..=99 => (4, usize::MAX),
        100..=1_000 => (1, usize::MAX),
        1_001..=10_000 => (1, 100),
        _ => (1, 20),
    };
    let decisions = text(store, "decisions").as_bytes();
    for (i, parts) in store["requests"].as_array().unwrap().iter().take(most).enumerate() {
        let part = |at: usize| parts[at].as_str().unwrap();
        let request = Request::new(
            uid(part(0), part(1)),
            uid("Action", part(2)),
            uid(part(3), part(4)),
            context.clone(),
            None,
        )
        .unwrap();
        let mut is_allowed = false;
        let start = cpu_seconds();
        for _ in 0..repeats {
            is_allowed =
                authorizer.is_authorized(&request, &policies, &entities).decision() == Decision::Allow;
        }
        row.samples.push(1e6 * (cpu_seconds() - start) / f64::from(repeats));
        if is_allowed != (decisions[i] == b'a') {
            row.disagree += 1;
        }
    }
    if let Some(schema) = schema {
        let start = cpu_seconds();
        let verdict = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        assert!(verdict.validation_passed());
        row.validate_s = cpu_seconds() - start;
    }
}

fn answer_file(folder: &str, name: &str, schema: &Schema) {
    let is_scale = name.starts_with("scale-");
    let file = fs::File::open(format!("{folder}/{name}.jsonl")).unwrap();
    let mut row = Row::default();
    for line in BufReader::new(file).lines() {
        let store: Value = serde_json::from_str(&line.unwrap()).unwrap();
        answer_store(&store, is_scale.then_some(schema), &mut row);
    }
    row.samples.sort_by(f64::total_cmp);
    let at = |quantile: f64| row.samples[(quantile * (row.samples.len() - 1) as f64) as usize];
    println!(
        "{}",
        json!({"kind": if is_scale { "scale" } else { "application" }, "name": name,
            "policies": row.policies, "decisions": row.samples.len(), "disagree": row.disagree,
            "p50": at(0.5), "p99": at(0.99), "load_s": row.load_s, "peak_mib": row.peak_mib,
            "validate_s": row.validate_s})
    );
}

#[derive(Default)]
struct Corpus {
    cases: usize,
    requests: usize,
    disagree: usize,
    read_s: f64,
    decide_s: f64,
    validate_s: f64,
}

fn corpus_uid(value: &Value) -> EntityUid {
    uid(text(value, "type"), text(value, "id"))
}

fn answer_case(base: &str, totals: &mut Corpus) {
    let read = |ending: &str| fs::read_to_string(format!("{base}{ending}")).unwrap();
    let (policy_text, entity_text, schema_text) =
        (read(".cedar"), read(".entities.json"), read(".cedarschema"));
    let test: Value = serde_json::from_str(&read(".json")).unwrap();
    totals.cases += 1;
    let start = cpu_seconds();
    let policies = PolicySet::from_str(&policy_text).unwrap();
    let entities = Entities::from_json_str(&entity_text, None).unwrap();
    totals.read_s += cpu_seconds() - start;
    let authorizer = Authorizer::new();
    let mut requests = Vec::new();
    let mut expected = Vec::new();
    for given in test["requests"].as_array().unwrap() {
        let context = Context::from_json_value(given["context"].clone(), None).unwrap();
        let [principal, action, resource] =
            ["principal", "action", "resource"].map(|key| corpus_uid(&given[key]));
        requests.push(Request::new(principal, action, resource, context, None).unwrap());
        expected.push(text(given, "decision") == "allow");
    }
    let mut decided = Vec::with_capacity(requests.len());
    let start = cpu_seconds();
    for request in &requests {
        let answer = authorizer.is_authorized(request, &policies, &entities);
        decided.push(answer.decision() == Decision::Allow);
    }
    totals.decide_s += cpu_seconds() - start;
    totals.requests += requests.len();
    totals.disagree += decided.iter().zip(&expected).filter(|(a, b)| a != b).count();
    let start = cpu_seconds();
    if let Ok((schema, _)) = Schema::from_cedarschema_str(&schema_text) {
        let _ = Validator::new(schema).validate(&policies, ValidationMode::Strict);
    }
    totals.validate_s += cpu_seconds() - start;
}

fn answer_corpus(folder: &str) {
    let mut totals = Corpus::default();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().to_string_lossy().into_owned();
        if let Some(base) = path.strip_suffix(".cedar") {
            answer_case(base, &mut totals);
        }
    }
    println!(
        "{}",
        json!({"kind": "corpus", "name": "corpus", "cases": totals.cases, "requests": totals.requests,
            "disagree": totals.disagree, "read_s": totals.read_s, "decide_s": totals.decide_s,
            "validate_s": totals.validate_s})
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let folder = &arguments[1];
    let schema_text = fs::read_to_string(format!("{folder}/scale.cedarschema")).unwrap();
    let (schema, _) = Schema::from_cedarschema_str(&schema_text).unwrap();
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".jsonl").map(str::to_string))
        .collect();
    names.sort();
    for name in names {
        answer_file(folder, &name, &schema);
    }
    if let Some(corpus) = arguments.get(2) {
        answer_corpus(corpus);
    }
}
