// Holds the engine against the reference implementation's WebAssembly build on generated and mutated cases.
//   node differential.mjs --answers PROGRAM --corpus FOLDER [--seed N] [--cases N] [--seconds N] [--out FILE]
//                         [--minimise FOLDER] [--record FOLDER]
// Prints a line per disagreement and a summary; exit 1 if there is any. A case is repeated by its seed.
// --minimise shrinks the first disagreements and writes each as a regression case of keyturn_cedar_test;
// --record asks the reference anew for the answers of the cases in a folder, and does nothing else.
import { spawn } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Generator, Random } from './generate.mjs';
import { minimise } from './minimise.mjs';

const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs');

// The glue serialises its argument with JSON.stringify; text marked raw goes through as it is, so that
// integers beyond 2^53 survive.
const stringify = JSON.stringify;
JSON.stringify = (value, ...rest) => (value && value.raw_json_text) || stringify(value, ...rest);
const raw = (text) => ({ raw_json_text: text });

function options(argv) {
  const result = { seed: 1, cases: 20000, seconds: 0 };
  for (let i = 0; i < argv.length; i += 2) {
    const name = argv[i].replace(/^--/, '');
    result[name] = ['seed', 'cases', 'seconds'].includes(name) ? Number(argv[i + 1]) : argv[i + 1];
  }
  return result;
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
  }
  return value;
}

const messages = (errors) => [...new Set(errors.map((e) => e.replace(/^for policy `[^`]*`[,:] /, '')
  .replace(/^for policy `[^`]*`[,:] /, '')))].sort();

// What the reference answers, in the engine's form.
const reference = {
  authorize(text) {
    const answer = cedar.isAuthorized(raw(text));
    if (answer.type !== 'success') return { ok: false, error: answer.errors[0]?.message };
    const { decision, diagnostics } = answer.response;
    return { ok: true, decision, reasons: [...diagnostics.reason].sort(),
      errors: diagnostics.errors.map((e) => e.policyId).sort() };
  },
  validate(text) {
    const answer = cedar.validate(raw(text));
    if (answer.type !== 'success') return { ok: false, error: answer.errors[0]?.message };
    return { ok: true, errors: answer.validationErrors.map((e) => e.error.message) };
  },
  policy(text) {
    let answer = cedar.policyToJson(raw(text));
    if (answer.type !== 'success') return { ok: false, error: answer.errors[0]?.message };
    // JSON is handed through as it was; by way of text it takes its normal form, where text can say it.
    if (!text.startsWith('"')) {
      const printed = cedar.policyToText(raw(text));
      answer = printed.type === 'success' ? cedar.policyToJson(printed.text) : printed;
    }
    return { ok: true, json: answer.json ?? null };
  },
  schema(text) {
    const answer = cedar.schemaToJson(raw(text));
    // Translation does not resolve names; reading the schema does.
    const check = cedar.checkParseSchema(raw(text));
    return answer.type === 'success' && check.type === 'success' ? { ok: true, json: answer.json }
      : { ok: false, error: (answer.errors ?? check.errors)[0]?.message };
  },
};

function difference(op, theirs, ours) {
  if (theirs.ok !== ours.ok) return `accepted: reference ${theirs.ok}, engine ${ours.ok}`;
  if (!theirs.ok) return null;
  if (op === 'authorize') {
    const shown = (a) => `${a.decision} ${a.reasons} / ${a.errors}`;
    return shown(theirs) === shown(ours) ? null : `reference ${shown(theirs)}, engine ${shown(ours)}`;
  }
  if (op === 'validate') {
    const [a, b] = [messages(theirs.errors), messages(ours.errors)];
    return (a.length === 0) === (b.length === 0) ? null
      : `reference ${stringify(a)}, engine ${stringify(b)}`;
  }
  if (theirs.json === null) return null;
  const [a, b] = [stringify(sorted(theirs.json)), stringify(sorted(ours.json))];
  return a === b ? null : `reference ${a}, engine ${b}`;
}

class Engine {
  constructor(program) {
    this.process = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.process.on('exit', (code) => { if (!this.done) { console.error(`the engine ended: ${code}`); process.exit(2); } });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }
  async ask(op, text) {
    this.process.stdin.write(`{"op":"${op}","call":${text}}\n`);
    return JSON.parse((await this.lines.next()).value);
  }
  close() { this.done = true; this.process.stdin.end(); }
}

function ask(op, text) {
  try { return reference[op](text); } catch (error) { return { ok: false, error: String(error) }; }
}

const MINIMISED_MAX = 20; // disagreements of one run come in families

function writeCase(path, op, text, answer) {
  const { error, ...kept } = answer;
  writeFileSync(path, `{"op": "${op}",\n "call": ${text},\n "reference": ${stringify(kept)}}\n`);
}

// A difference of the same nature: the texts of answers change while a case shrinks.
const nature = (wrong) => (wrong.startsWith('accepted') ? wrong : 'answers');

async function keepMinimised(folder, engine, { seed, kind, op, text, wrong }) {
  const disagrees = async (smaller) => {
    const now = difference(op, ask(op, smaller), await engine.ask(op, smaller));
    return Boolean(now) && nature(now) === nature(wrong);
  };
  const least = await minimise(text, disagrees);
  writeCase(join(folder, `${kind.replaceAll(' ', '-')}-${seed}.json`), op, least, ask(op, least));
}

// The text of `call` is cut out as it stands, so that large integers stay.
function record(folder) {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const path = join(folder, name);
    const [, op, text] = readFileSync(path, 'utf8').match(/^\{"op": "(\w+)",\n "call": (.*)(?:,\n "reference": .*)?\}\n$/);
    writeCase(path, op, text, ask(op, text));
  }
}

function readCorpus(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.cedar')).sort();
  return names.map((name) => {
    const base = join(folder, name.replace(/\.cedar$/, ''));
    return { policy: readFileSync(`${base}.cedar`, 'utf8'), schema: readFileSync(`${base}.cedarschema`, 'utf8'),
      entities: readFileSync(`${base}.entities.json`, 'utf8'), test: JSON.parse(readFileSync(`${base}.json`, 'utf8')) };
  });
}

async function main() {
  const given = options(process.argv.slice(2));
  if (given.record) { record(given.record); return; }
  const corpus = readCorpus(given.corpus);
  const engine = new Engine(given.answers);
  const end = given.seconds ? Date.now() + 1000 * given.seconds : Infinity;
  const counts = {};
  let disagreements = 0;
  let done = 0;
  for (let seed = given.seed; done < given.cases && Date.now() < end; seed += 1) {
    const { kind, op, text } = new Generator(new Random(seed), corpus).next();
    const theirs = ask(op, text);
    const ours = await engine.ask(op, text);
    const wrong = difference(op, theirs, ours);
    counts[kind] ??= [0, 0];
    counts[kind][theirs.ok ? 0 : 1] += 1;
    done += 1;
    if (wrong) {
      disagreements += 1;
      const line = stringify({ seed, kind, op, wrong, reference_error: theirs.error, engine_error: ours.error, call: text });
      if (given.out) appendFileSync(given.out, `${line}\n`);
      console.log(line.length > 3000 ? `${line.slice(0, 3000)}…` : line);
      if (given.minimise && disagreements <= MINIMISED_MAX) await keepMinimised(given.minimise, engine, { seed, kind, op, text, wrong });
    }
  }
  engine.close();
  for (const [kind, [accepted, refused]] of Object.entries(counts)) {
    console.log(`${kind}: ${accepted} accepted, ${refused} refused by the reference`);
  }
  console.log(`${done} cases from seed ${given.seed}, ${disagreements} disagree`);
  process.exit(disagreements ? 1 : 0);
}

await main();
