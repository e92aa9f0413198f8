// Shrinks a case on which engine and reference disagree: drops members and items, puts a part in the place of the
// whole, and shortens texts, as long as they still disagree in the same way.

const ATTEMPTS_MAX = 3000; // each asks both implementations, about a millisecond

const tokens = (text) => text.match(/"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\d+|::|==|!=|<=|>=|&&|\|\||\s+|./gs) ?? [];

// Smaller values than `value`, the boldest first.
function* smaller(value) {
  if (typeof value === 'string') {
    const parts = tokens(value);
    for (let size = parts.length >> 1; size >= 1; size >>= 1) {
      for (let at = 0; at < parts.length; at += size) {
        yield [...parts.slice(0, at), ...parts.slice(at + size)].join('');
      }
    }
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) yield value.filter((_, at) => at !== i);
    for (let i = 0; i < value.length; i += 1) {
      for (const item of smaller(value[i])) yield value.with?.(i, item) ?? value.map((old, at) => (at === i ? item : old));
    }
  } else if (value && typeof value === 'object') {
    for (const key of Object.keys(value)) {
      if (value[key] && typeof value[key] === 'object') yield value[key];
      const { [key]: dropped, ...rest } = value;
      yield rest;
    }
    for (const key of Object.keys(value)) {
      for (const item of smaller(value[key])) yield { ...value, [key]: item };
    }
  }
}

// The smallest JSON text found for which `disagrees` holds.
export async function minimise(text, disagrees) {
  let best = JSON.parse(text);
  let attempts = 0;
  for (let found = true; found && attempts < ATTEMPTS_MAX;) {
    found = false;
    for (const candidate of smaller(best)) {
      attempts += 1;
      if (attempts > ATTEMPTS_MAX) break;
      if (await disagrees(JSON.stringify(candidate))) {
        best = candidate;
        found = true;
        break;
      }
    }
  }
  return JSON.stringify(best);
}
