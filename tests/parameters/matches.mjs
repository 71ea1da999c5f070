// What a value of each kind of parameter finds, written from R4's search.html for the forms that the table asks only.
// `candidates(kind, element)` are values that find the element: `{ text, test, near }`, where `test` tells whether an
// element is found, and `near` are values close to it that do not find the element, each with its own `test`.

const escape = (text) => text.replace(/[\\,$|]/g, '\\$&');

// Letters as string parameters compare them: without case, accents and surplus white space.
const fold = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim().replace(/\s+/g, ' ');

const PARTS = {
  HumanName: ['text', 'family', 'given', 'prefix', 'suffix'],
  Address: ['text', 'line', 'city', 'district', 'state', 'postalCode', 'country'],
};

function texts({ type, value }) {
  if (typeof value === 'string') return [value];
  return (PARTS[type] ?? []).flatMap((part) => value[part] ?? []);
}

// Whole words from the start of a text, 40 letters of it at most.
function start(text) {
  const whole = text.trim();
  return whole.length <= 40 || !/\s/.test(whole.slice(0, 40)) ? whole : whole.slice(0, 40).replace(/\s+\S*$/, '');
}

function string(element) {
  const starts = (with_) => (other) => texts(other).some((text) => fold(text).startsWith(fold(with_)));
  return texts(element).map(start).filter((text) => fold(text) && !/[\u0000-\u001f]/.test(text)).map((text) => ({
    text: escape(text),
    test: starts(text),
    // What a text ends with does not find it, nor does more than it says.
    near: [text.slice(1), `${text}zq`, `zq${text}`].map((other) => ({ text: escape(other), test: starts(other) })),
  }));
}

// The codes of an element, with their systems where its type has them.
function codes({ type, value }) {
  if (type === 'CodeableConcept') return (value.coding ?? []).flatMap((coding) => codes({ type: 'Coding', value: coding }));
  if (typeof value !== 'object') return [{ code: String(value), bare: true }];
  if (type === 'Coding') return value.code ? [{ system: value.system ?? '', code: value.code }] : [];
  if (type === 'Identifier') return value.value ? [{ system: value.system ?? '', code: value.value }] : [];
  if (type === 'ContactPoint') return value.value ? [{ code: value.value, bare: true }] : [];
  return [];
}

function token(element) {
  const equals = (asked) => (other) => codes(other).some(
    (one) => one.code === asked.code && (asked.bare || (!one.bare && one.system === asked.system)),
  );
  const form = (asked) => ({
    text: asked.bare ? escape(asked.code) : `${escape(asked.system)}|${escape(asked.code)}`, test: equals(asked),
  });
  return codes(element).map((asked) => ({
    ...form(asked),
    // Half of them with another system, half with another code.
    near: [
      ...(asked.bare || asked.code.length % 2 ? [] : [{ ...asked, system: `${asked.system || 'urn:'}x` }]),
      asked.code === 'true' || asked.code === 'false' ? { ...asked, code: String(asked.code !== 'true') } : { ...asked, code: `${asked.code}x` },
    ].map(form),
  }));
}

// The references of an element as they are written, without versions; canonicals have theirs.
function links({ type, value }) {
  if (type === 'canonical' || type === 'uri') return [value];
  const text = value?.reference ?? (value?.resourceType && value.id ? `${value.resourceType}/${value.id}` : '');
  return text && !text.startsWith('#') ? [text.replace(/\/_history\/.*$/, '')] : [];
}

function reference(element, targets) {
  const form = (asked) => ({ text: asked, test: (other) => links(other).some((one) => one === asked) });
  // A resource that stands where a target is expected, and is none: the first entry of any Bundle is its `composition`.
  const inline = element.value?.resourceType;
  if (inline && targets && !targets.includes(inline)) return [];
  return links(element).filter((asked) => !asked.startsWith('#'))
    .map((asked) => ({ ...form(asked), near: [form(asked.includes('|') ? `${asked}.x` : `${asked}x`)] }));
}

function uri(element) {
  const form = (asked) => ({ text: escape(asked), test: ({ value }) => value === asked });
  return [{ ...form(element.value), near: [form(`${element.value}/x`)] }];
}

// The microseconds [from, to) that a date or time of any precision covers; without a zone it is UTC.
function interval(text) {
  const parts = text.match(/^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/);
  if (!parts) return null;
  const [, year, month, day, hour, minute, second, fraction, zone] = parts;
  const at = (y, m, d, h, i, s) => Date.UTC(y, m, d, h, i, s) * 1000;
  const numbers = [year, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0, second ?? 0].map(Number);
  const last = [month, day, hour, minute && second, fraction].findIndex((part) => part === undefined);
  const shift = !zone || zone === 'Z' ? 0 : (zone[0] === '-' ? 1 : -1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))) * 60e6;
  const from = at(...numbers) + shift + Math.round(Number(`0${fraction ?? ''}`) * 1e6);
  const unit = { 0: [1, 0, 0, 0, 0, 0], 1: [0, 1, 0, 0, 0, 0], 2: [0, 0, 1, 0, 0, 0], 3: [0, 0, 0, 0, 1, 0], 4: [0, 0, 0, 0, 0, 1] }[last];
  const to = unit ? at(...numbers.map((number, place) => number + unit[place])) + shift : from + 10 ** (7 - fraction.length);
  return [from, to];
}

function times({ type, value }) {
  if (typeof value === 'string') return interval(value);
  if (type === 'Period') {
    if (!value.start && !value.end) return null;
    return [value.start ? interval(value.start)[0] : -Infinity, value.end ? interval(value.end)[1] : Infinity];
  }
  const all = [...(value.event ?? []).map(interval), ...(value.repeat?.boundsPeriod ? [times({ type: 'Period', value: value.repeat.boundsPeriod })] : [])];
  return all.length ? [Math.min(...all.map((one) => one[0])), Math.max(...all.map((one) => one[1]))] : null;
}

function date(element) {
  const asked = times(element);
  if (!asked) return [];
  const test = {
    '': (of) => (own) => of[0] <= own[0] && own[1] <= of[1],
    sa: (of) => (own) => own[0] >= of[1],
    eb: (of) => (own) => own[1] <= of[0],
  };
  const form = (prefix, text) => {
    const passes = test[prefix](interval(text));
    return { text: `${prefix}${text}`, test: (other) => { const own = times(other); return own !== null && passes(own); } };
  };
  const day = (instant) => new Date(instant / 1000).toISOString().slice(0, 10);
  if (typeof element.value === 'string') {
    const later = element.value.replace(/^\d{4}/, (year) => Number(year) + 4);
    return [{ ...form('', element.value), near: [form('', later)] }];
  }
  if (asked[0] > -Infinity) return [{ ...form('sa', day(asked[0] - 864e8)), near: [form('sa', day(asked[0]))] }];
  return [{ ...form('eb', day(asked[1] + 864e8 - 1)), near: [form('eb', day(asked[1] - 1))] }];
}

// How a number is told from others: within half a unit of its last digit.
function about(text) {
  const half = 0.5 * 10 ** -(text.split('.')[1] ?? '').length;
  return (number) => number >= Number(text) - half && number < Number(text) + half;
}

const next = (text) => (Number(text) + 10 ** -(text.split('.')[1] ?? '').length).toFixed((text.split('.')[1] ?? '').length);

function number(element) {
  if (typeof element.value !== 'number') return [];
  const form = (text) => ({ text, test: ({ value }) => about(text)(value) });
  const text = String(element.value);
  return [{ ...form(text), near: [form(next(text))] }];
}

const unit = (value) => (value.system && value.code ? `|${escape(value.system)}|${escape(value.code)}` : value.unit ? `||${escape(value.unit)}` : '');

function quantity(element) {
  const { type, value } = element;
  if (type === 'Range') {
    const end = value.high ?? value.low;
    if (end?.value === undefined) return [];
    const prefix = value.high ? 'gt' : 'lt';
    const form = (amount) => ({ text: `${prefix}${amount}${unit(end)}`, test: (other) => within(other, prefix, amount, unit(end)) });
    return [{ ...form(value.high ? end.value - 1 : end.value + 1), near: [form(end.value)] }];
  }
  if (type === 'SampledData' || value.value === undefined || value.comparator) return [];
  const form = (text) => ({ text: `${text}${unit(value)}`, test: (other) => within(other, '', text, unit(value)) });
  const text = String(value.value);
  return [{ ...form(text), near: [form(next(text))] }];
}

// Whether a quantity or range passes, with the unit as it is written: no two of the examples differ in their unit alone.
function within({ type, value }, prefix, text, asked) {
  if (type === 'SampledData' || value.comparator) return false;
  const [low, high] = type === 'Range' ? [value.low, value.high] : [value, value];
  if (asked && unit(low ?? high) !== asked) return false;
  const [least, most] = [low?.value ?? -Infinity, high?.value ?? Infinity];
  if (prefix === 'gt') return most > Number(text);
  if (prefix === 'lt') return least < Number(text);
  return about(text)(least) && about(text)(most);
}

const KINDS = { string, token, reference, uri, date, number, quantity };

// A composite's element is a list of elements for each of its components; its values are those of the components.
function composite(kinds, element) {
  const parts = kinds.map((kind, place) => candidates(kind, element[place]));
  if (parts.some((part) => part.length === 0)) return [];
  const joined = (values) => ({
    text: values.map((value) => value.text).join('$'),
    test: (other) => values.every((value, place) => other[place].some(value.test)),
  });
  const first = parts.map((part) => part[0]);
  const near = first.flatMap((one, place) => one.near.map((other) => joined(first.with(place, other))));
  return [{ ...joined(first), near }];
}

export function candidates(kind, found, targets) {
  return Array.isArray(kind) ? found.flatMap((element) => composite(kind, element)) : found.flatMap((element) => KINDS[kind](element, targets));
}

// Whether an element is a value for `:missing`: one without any date is none of a date parameter.
export const present = (kind, element) => kind !== 'date' || times(element) !== null || typeof element.value === 'string';
