// Cases for the differential test, each from one seed: generated policy sets over a small world, templates and
// links, JSON policies, and corpus cases mutated token by token.

const stringify = JSON.stringify;

// Mulberry32: small, seeded, the same everywhere.
export class Random {
  constructor(seed) { this.state = (seed * 2654435761) >>> 0; }
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  below(count) { return Math.floor(this.next() * count); }
  chance(probability) { return this.next() < probability; }
  pick(items) { return items[this.below(items.length)]; }
}

const SCHEMA = `
entity Group in [Group];
entity User in [Group] = {n: Long, o?: String, s: Set<Long>, ip: ipaddr, d: decimal, t: datetime,
  r: {x: Long, y?: {z: Bool}}, u?: User, m: Set<User>} tags String;
entity Color enum ["red", "blue"];
namespace N { entity Doc in [Doc] = {owner: User, open: Bool, l: Set<{k: String}>}; entity Plain tags Set<Long>;
  action share appliesTo {principal: [User], resource: [Doc]}; }
action all;
action view, edit in [all] appliesTo {principal: [User, Group], resource: [N::Doc, Color],
  context: {b: Bool, k?: Long, w: duration, v: {q?: Set<String>}}};
action idle;`;

const uid = (type, id) => ({ type, id });
const USERS = ['a', 'b', 'c'];

export class Generator {
  constructor(random, corpus) { this.random = random; this.corpus = corpus; }

  next() {
    const kinds = [['decide', 30], ['validate', 20], ['templates', 8], ['policy json', 8], ['mutated policy', 14],
      ['mutated json', 8], ['mutated schema', 8], ['mutated entities', 4]];
    let at = this.random.below(100);
    for (const [kind, weight] of kinds) {
      if (at < weight) return { kind, ...this[kind.replace(' ', '_')]() };
      at -= weight;
    }
    throw new Error('weights do not add up');
  }

  // ---- expressions, mostly of the wanted type

  expression(type, depth) {
    const { random } = this;
    if (random.chance(0.03)) return this.expression(random.pick(['bool', 'long', 'string', 'user', 'set', 'record']), depth);
    if (depth <= 0) return this.leaf(type);
    const sub = (t) => this.operand(t, depth - 1);
    switch (type) {
      case 'bool': return random.pick([
        () => `${sub('bool')} && ${sub('bool')}`, () => `${sub('bool')} || ${sub('bool')}`, () => `!${sub('bool')}`,
        () => `if ${sub('bool')} then ${sub('bool')} else ${sub('bool')}`,
        () => `${sub('long')} ${random.pick(['<', '<=', '>', '>='])} ${sub('long')}`,
        () => { const t = random.pick(['long', 'string', 'user', 'set', 'ip', 'decimal', 'datetime', 'duration', 'record', 'doc', 'color']); return `${sub(t)} ${random.pick(['==', '!='])} ${sub(random.chance(0.9) ? t : 'any')}`; },
        () => `${sub('user')} in ${random.pick([() => sub('group'), () => `[${sub('group')}, ${sub('user')}]`, () => sub('users'), () => sub('user')])()}`,
        () => `${sub('user')} has ${this.attribute()}`, () => `context has ${random.pick(['b', 'k', 'v.q', '"k"', 'zz'])}`,
        () => `${sub('user')} has ${random.pick(['r.x', 'r.y.z', 'u.n', 'u.u.o', 'o.x'])} && ${sub('bool')}`,
        () => `principal has o && principal.o == ${sub('string')}`, () => `context has k && context.k > ${sub('long')}`,
        () => `principal has u && principal.u has o && principal.u.o like "*"`,
        () => `principal.hasTag("t") && principal.getTag("t") == ${sub('string')}`,
        () => `${sub('user')}.hasTag(${sub('string')})`, () => `${sub('string')} like ${this.pattern()}`,
        () => `${sub('user')} is ${random.pick(['User', 'Group', 'N::Doc', 'Nope'])}`, () => `resource is N::Doc && resource.open`,
        () => `resource is N::Doc in ${sub('doc')}`, () => `${sub('set')}.${random.pick(['contains'])}(${sub('long')})`,
        () => `${sub('set')}.${random.pick(['containsAll', 'containsAny'])}(${sub('set')})`, () => `${sub('set')}.isEmpty()`,
        () => `${sub('users')}.contains(${sub('user')})`, () => `${sub('ip')}.${random.pick(['isIpv4()', 'isIpv6()', 'isLoopback()', 'isMulticast()'])}`,
        () => `${sub('ip')}.isInRange(${sub('ip')})`, () => `${sub('decimal')}.${random.pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])}(${sub('decimal')})`,
        () => `${sub('datetime')} ${random.pick(['<', '<=', '>', '>='])} ${sub('datetime')}`, () => `${sub('duration')} ${random.pick(['<', '>='])} ${sub('duration')}`,
      ])();
      case 'long': return random.pick([
        () => `${sub('long')} ${random.pick(['+', '-', '*'])} ${sub('long')}`, () => `-${sub('long')}`,
        () => `if ${sub('bool')} then ${sub('long')} else ${sub('long')}`, () => `${sub('record')}.x`, () => `${sub('user')}.n`,
        () => `${sub('duration')}.${random.pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'])}()`,
      ])();
      case 'string': return random.pick([() => `${sub('user')}.o`, () => `${sub('user')}.getTag(${sub('string')})`,
        () => `if ${sub('bool')} then ${sub('string')} else ${sub('string')}`])();
      case 'user': return random.pick([() => `${sub('user')}.u`, () => `${sub('doc')}.owner`, () => `if ${sub('bool')} then ${sub('user')} else ${sub('user')}`])();
      case 'users': return random.pick([() => `${sub('user')}.m`, () => `[${sub('user')}, ${sub('user')}]`])();
      case 'set': return random.pick([() => `${sub('user')}.s`, () => `[${sub('long')}, ${sub('long')}]`, () => `[${sub('long')}]`])();
      case 'record': return random.pick([() => `${sub('user')}.r`, () => `{x: ${sub('long')}, y: {z: ${sub('bool')}}}`, () => `{"x": ${sub('long')}}`])();
      case 'duration': return random.pick([() => `${sub('datetime')}.durationSince(${sub('datetime')})`, () => `${sub('datetime')}.toTime()`])();
      case 'datetime': return random.pick([() => `${sub('datetime')}.offset(${sub('duration')})`, () => `${sub('datetime')}.toDate()`, () => `${sub('user')}.t`])();
      default: return this.leaf(type);
    }
  }

  operand(type, depth) {
    const text = this.expression(type, depth);
    return /^[A-Za-z0-9_.]+$/.test(text) && !/^-/.test(text) || this.random.chance(0.05) ? text : `(${text})`;
  }

  attribute() { return this.random.pick(['n', 'o', 's', 'u', 'r', 'nope', '"o"', '"a b"', 'tags']); }
  pattern() { return this.random.pick(['"*"', '"a*"', '"*a*b*"', '"a\\*"', '""', '"\\u{e9}*"', '"**x"', '"a?c"']); }

  leaf(type) {
    const { random } = this;
    const one = (...items) => random.pick(items);
    switch (type) {
      case 'bool': return one('true', 'false', 'context.b', 'resource.open', 'principal.r.y.z');
      case 'long': return one('0', '1', '2', '-1', '9223372036854775807', '-9223372036854775808', 'principal.n', 'context.k', 'principal.r.x', '007');
      case 'string': return one('"a"', '""', '"b"', '"a*b"', '"\\u{1F600}"', '"\\n\\0"', 'principal.o', '"t"', '"é"');
      case 'user': return one('principal', 'User::"a"', 'User::"b"', 'User::"zz"', 'resource.owner', 'principal.u');
      case 'users': return one('principal.m', '[User::"a"]', '[principal]');
      case 'group': return one('Group::"g"', 'Group::"top"', 'Group::"zz"', 'principal', 'resource', '[]');
      case 'doc': return one('resource', 'N::Doc::"d"', 'N::Doc::"zz"');
      case 'color': return one('Color::"red"', 'Color::"green"', 'resource');
      case 'set': return one('[1, 2]', '[]', 'principal.s', '[2, 1, 1]', '[1, "a"]');
      case 'record': return one('{x: 1}', '{}', 'principal.r', 'context.v', 'context', '{x: 1, y: {z: true}}');
      case 'ip': return one('ip("1.1.1.1")', 'ip("10.0.0.0/8")', 'ip("::1")', 'ip("bad")', 'principal.ip', 'ip("127.0.0.1/9")', 'ip("ff00::/8")', 'ip(principal.o)');
      case 'decimal': return one('decimal("1.0")', 'decimal("-0.5")', 'decimal("1.00")', 'decimal("1")', 'principal.d', 'decimal("922337203685477.5807")');
      case 'datetime': return one('datetime("2024-01-01")', 'datetime("2024-02-29T23:59:59.999Z")', 'datetime("1969-12-31T00:00:00+0100")', 'datetime("bad")', 'principal.t', 'datetime("9999-12-31")');
      case 'duration': return one('duration("1d")', 'duration("-1h30m")', 'duration("9223372036854775807ms")', 'duration("x")', 'context.w');
      default: return one('1', '"a"', 'true', 'principal', 'context', '[1]', '{a: 1}', 'action', 'Action::"view"');
    }
  }

  principalScope() {
    return this.random.pick(['principal', 'principal', 'principal', 'principal == User::"a"', 'principal in Group::"g"', 'principal in Group::"top"',
      'principal is User', 'principal is User in Group::"g"', 'principal is Group', 'principal == User::"b"', 'principal in User::"a"']);
  }
  actionScope() {
    return this.random.pick(['action', 'action', 'action == Action::"view"', 'action in Action::"all"', 'action in [Action::"view", Action::"edit"]',
      'action == Action::"edit"', 'action in []', 'action in [Action::"all"]', 'action == N::Action::"share"', 'action == Action::"nope"']);
  }
  resourceScope() {
    return this.random.pick(['resource', 'resource', 'resource', 'resource == N::Doc::"d"', 'resource in N::Doc::"root"', 'resource is N::Doc',
      'resource is N::Doc in N::Doc::"root"', 'resource is Color', 'resource == Color::"red"']);
  }

  policy(depth = 3, scopes = [this.principalScope(), this.actionScope(), this.resourceScope()]) {
    const { random } = this;
    let text = random.chance(0.1) ? '@id("x") @note ' : '';
    text += `${random.chance(0.7) ? 'permit' : 'forbid'}(${scopes.join(', ')})`;
    for (let i = random.pick([0, 1, 1, 1, 2]); i > 0; i -= 1) {
      text += ` ${random.chance(0.8) ? 'when' : 'unless'} { ${this.expression('bool', 1 + random.below(depth))} }`;
    }
    return `${text};`;
  }

  entities() {
    const { random } = this;
    const user = (id) => {
      const attrs = { n: random.pick([0, 1, 2, -5]), s: random.pick([[], [1], [1, 2, 2]]), ip: { __extn: { fn: 'ip', arg: random.pick(['1.1.1.1', '10.1.0.0/16']) } },
        d: { __extn: { fn: 'decimal', arg: '1.5' } }, t: { __extn: { fn: 'datetime', arg: random.pick(['2024-01-01', '1970-01-01T00:00:00.001Z']) } },
        r: random.pick([{ x: 1 }, { x: 2, y: { z: true } }]), m: random.pick([[], [{ __entity: uid('User', 'a') }]]) };
      if (random.chance(0.6)) attrs.o = random.pick(['a', 'b', '', 'a*b']);
      if (random.chance(0.5)) attrs.u = { __entity: uid('User', random.pick(USERS)) };
      return { uid: uid('User', id), attrs, parents: random.chance(0.6) ? [uid('Group', random.pick(['g', 'top']))] : [], tags: random.chance(0.5) ? { t: 'a' } : {} };
    };
    const result = USERS.filter(() => random.chance(0.9)).map(user);
    result.push({ uid: uid('Group', 'g'), attrs: {}, parents: random.chance(0.7) ? [uid('Group', 'top')] : [] });
    if (random.chance(0.8)) result.push({ uid: uid('Group', 'top'), attrs: {}, parents: [] });
    result.push({ uid: uid('N::Doc', 'd'), attrs: { owner: { __entity: uid('User', random.pick(USERS)) }, open: random.chance(0.5), l: [{ k: 'v' }] },
      parents: random.chance(0.5) ? [uid('N::Doc', 'root')] : [] });
    return result;
  }

  call(policies, hasSchema) {
    const { random } = this;
    const call = { principal: uid('User', random.pick([...USERS, 'zz'])), action: uid('Action', random.pick(['view', 'view', 'edit', 'idle'])),
      resource: random.chance(0.85) ? uid('N::Doc', random.pick(['d', 'd', 'zz'])) : uid('Color', random.pick(['red', 'green'])),
      context: { b: random.chance(0.5), w: { __extn: { fn: 'duration', arg: '1h' } }, v: random.pick([{}, { q: ['x'] }]) }, policies, entities: this.entities() };
    if (random.chance(0.5)) call.context.k = random.pick([0, 1, 7]);
    if (random.chance(0.05)) call.context.zz = 1;
    if (hasSchema) { call.schema = SCHEMA; call.validateRequest = true; }
    return call;
  }

  decide() {
    const { random } = this;
    let text = '';
    for (let i = 1 + random.below(6); i > 0; i -= 1) text += `${this.policy()}\n`;
    return { op: 'authorize', text: stringify(this.call({ staticPolicies: text }, random.chance(0.3))) };
  }

  validate() {
    return { op: 'validate', text: stringify({ schema: SCHEMA, policies: { staticPolicies: this.policy(4) }, validationSettings: { mode: 'strict' } }) };
  }

  templates() {
    const { random } = this;
    const principal = random.pick(['principal == ?principal', 'principal in ?principal', 'principal is User in ?principal', this.principalScope()]);
    const resource = random.pick(['resource == ?resource', 'resource in ?resource', 'resource is N::Doc in ?resource', this.resourceScope()]);
    const values = {};
    if (principal.includes('?') !== random.chance(0.05)) values['?principal'] = uid(random.pick(['User', 'Group']), random.pick(['a', 'g', 'top']));
    if (resource.includes('?') !== random.chance(0.05)) values['?resource'] = uid('N::Doc', random.pick(['d', 'root']));
    const policies = { staticPolicies: { s: this.policy() }, templates: { t: this.policy(2, [principal, this.actionScope(), resource]) },
      templateLinks: [{ templateId: random.chance(0.95) ? 't' : 'q', newId: random.chance(0.95) ? 'l' : 's', values }] };
    if (random.chance(0.3)) return { op: 'validate', text: stringify({ schema: SCHEMA, policies, validationSettings: { mode: 'strict' } }) };
    return { op: 'authorize', text: stringify(this.call(policies, false)) };
  }

  policy_json() {
    return { op: 'policy', text: stringify(this.random.chance(0.5) ? this.policy(4) : this.random.pick(this.corpus).policy) };
  }

  // ---- mutations

  tokens(text) { return text.match(/"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\d+|::|==|!=|<=|>=|&&|\|\||\s+|./gs) ?? []; }

  mutate(text, donor) {
    const { random } = this;
    const items = this.tokens(text);
    const others = this.tokens(donor);
    const extra = ['(', ')', '[', ']', '{', '}', ',', ';', '.', '::', '@', '?principal', '?resource', 'if', 'then', 'else', 'in', 'is', 'has', 'like', '!', '-',
      '==', '=', '<', '&&', '||', '+', '*', '/', '%', '"a"', '"\\q"', '"\\u{110000}"', '1', '9223372036854775808', 'true', 'principal', 'context', '__cedar', '__cedar::Long',
      'enum', 'tags', 'Set<Long>', '\u00a0', '\ufeff', '//x\n', '\r', "'", '#', 'é', 'permit', 'when', 'entity', 'action', 'type', 'namespace', '?', ':'];
    for (let i = 1 + random.below(3); i > 0; i -= 1) {
      const at = random.below(items.length + 1);
      const which = random.below(5);
      if (which === 0) items.splice(at, 1);
      else if (which === 1) items.splice(at, 0, random.pick(extra));
      else if (which === 2) items.splice(at, 1, random.pick(extra));
      else if (which === 3) items.splice(at, random.below(3), random.pick(others) ?? '');
      else if (items.length > 1) { const b = random.below(items.length); [items[at % items.length], items[b]] = [items[b], items[at % items.length]]; }
    }
    return items.join('');
  }

  mutated_policy() {
    const text = this.random.chance(0.5) ? this.policy() : this.random.pick(this.corpus).policy;
    return { op: 'policy', text: stringify(this.mutate(text, this.policy())) };
  }

  mutated_schema() {
    const text = this.random.chance(0.3) ? SCHEMA : this.random.pick(this.corpus).schema;
    return { op: 'schema', text: stringify(this.random.chance(0.1) ? text : this.mutate(text, SCHEMA)) };
  }

  // Changes one value or key somewhere in a JSON value.
  mutateJson(value) {
    const { random } = this;
    const junk = [null, 1, -1, 1.5, 'a', '', [], {}, true, { __entity: uid('User', 'a') }, { __extn: { fn: 'ip', arg: '1.1.1.1' } }, { __expr: 'x' }, uid('A B', 'x'),
      { Value: 1 }, { Var: 'context' }, { Slot: '?principal' }, 'All', '==', 'in', { type: 'Long' }];
    if (value && typeof value === 'object' && random.chance(0.85)) {
      const keys = Object.keys(value);
      if (keys.length === 0 || random.chance(0.1)) {
        if (Array.isArray(value)) value.push(random.pick(junk)); else value[random.pick(['x', 'type', 'arg', 'in', 'entity'])] = random.pick(junk);
        return value;
      }
      const key = random.pick(keys);
      if (random.chance(0.12)) { if (Array.isArray(value)) value.splice(Number(key), 1); else delete value[key]; return value; }
      value[key] = this.mutateJson(value[key]);
      return value;
    }
    return random.pick(junk);
  }

  mutated_json() {
    const clause = { kind: 'when', body: this.randomJson(3) };
    const policy = { effect: 'permit', principal: this.random.pick([{ op: 'All' }, { op: '==', entity: uid('User', 'a') }, { op: 'is', entity_type: 'User', in: { entity: uid('G', 'g') } }]),
      action: this.random.pick([{ op: 'All' }, { op: 'in', entities: [uid('Action', 'a'), uid('Action', 'b')] }, { op: '==', entity: uid('Action', 'a') }]), resource: { op: 'All' }, conditions: [clause] };
    if (this.random.chance(0.2)) policy.annotations = { a: 'x', b: null };
    return { op: 'policy', text: stringify(this.random.chance(0.3) ? policy : this.mutateJson(policy)) };
  }

  randomJson(depth) {
    const { random } = this;
    const sub = () => this.randomJson(depth - 1);
    if (depth <= 0) return random.pick([{ Value: 1 }, { Value: 'a' }, { Value: true }, { Var: 'principal' }, { Var: 'context' }, { Value: { __entity: uid('A', 'b') } },
      { Value: [1, 2] }, { Value: { a: 1 } }, { Value: { __extn: { fn: 'ip', arg: '1.1.1.1' } } }, { Set: [] }, { Record: {} }, { Value: -9007199254740991 }]);
    const binary = random.pick(['==', '!=', 'in', '<', '<=', '>', '>=', '&&', '||', '+', '-', '*', 'contains', 'containsAll', 'containsAny', 'getTag', 'hasTag']);
    return random.pick([() => ({ [binary]: { left: sub(), right: sub() } }), () => ({ '!': { arg: sub() } }), () => ({ neg: { arg: sub() } }), () => ({ isEmpty: { arg: sub() } }),
      () => ({ '.': { left: sub(), attr: random.pick(['a', 'a b', 'if', '']) } }), () => ({ has: { left: sub(), attr: random.pick(['a', 'b c', ['a'], ['a', 'b'], ['a', 'b c']]) } }),
      () => ({ like: { left: sub(), pattern: [{ Literal: 'a*' }, 'Wildcard', { Literal: '\u00e9' }] } }), () => ({ is: { left: sub(), entity_type: 'A::B' } }),
      () => ({ is: { left: sub(), entity_type: 'A', in: sub() } }), () => ({ 'if-then-else': { if: sub(), then: sub(), else: sub() } }), () => ({ Set: [sub(), sub()] }),
      () => ({ Record: { a: sub(), 'b c': sub() } }), () => ({ ip: [sub()] }), () => ({ isInRange: [sub(), sub()] }), () => ({ lessThan: [sub()] })])();
  }

  mutated_entities() {
    const call = this.call({ staticPolicies: 'permit(principal, action, resource);' }, this.random.chance(0.5));
    call.entities = this.mutateJson(call.entities);
    if (!Array.isArray(call.entities)) call.entities = [call.entities];
    return { op: 'authorize', text: stringify(call) };
  }
}
