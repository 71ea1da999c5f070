// Writes table.tsv: what each search parameter of R4 must find among HL7's examples, told without Binnacle's own code.
// The expressions are those that HL7 publishes, evaluated by the npm package `fhirpath`; what a value finds is told by
// matches.mjs, written from R4's search.html. See README.md.
import fs from 'node:fs';
import path from 'node:path';
import { elements } from './elements.mjs';
import { candidates, present } from './matches.mjs';

const [definitions, examples, refusedList] = process.argv.slice(2);
const refused = new Set(
  fs.readFileSync(refusedList, 'utf8').split('\n').filter((line) => line.startsWith('r4-examples/'))
    .map((line) => line.split('\t')[0].slice('r4-examples/'.length)),
);

// The examples that the server takes, by type.
const all = {};
for (const file of fs.readdirSync(examples).sort()) {
  const resource = JSON.parse(fs.readFileSync(path.join(examples, file), 'utf8'));
  if (!refused.has(file) && resource.resourceType !== 'Parameters') (all[resource.resourceType] ??= []).push(resource);
}

// Every type that R4 has, those without an example too.
const lines = (name) => fs.readFileSync(path.join(definitions, name), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const types = lines('StructureDefinition-resources.ndjson')
  .filter((one) => !one.abstract && one.derivation === 'specialization' && one.type !== 'Parameters').map((one) => one.type);
const parameters = lines('SearchParameter.ndjson').filter((one) => !/-extensions-|-genetic-|example/.test(one.id));
const byUrl = new Map(parameters.map((one) => [one.url, one]));
const kindOf = (component) => byUrl.get(component.definition).type;

// Where in its resource an element stands: its type's name, or the path that leads to it.
const pathOf = (expression, type, name) =>
  name === 'BackboneElement' ? expression.split(' | ').map((branch) => branch.split('.where(')[0]).find((branch) => branch.startsWith(`${type}.`)) : name;

// What a parameter reads from each example of a type: its elements, or those of each component of each element.
const read = (parameter, type) => (all[type] ?? []).map((resource) => {
  const found = elements(resource, parameter.expression, type);
  if (parameter.type !== 'composite') return { id: resource.id, found };
  const parts = found.map((element) => parameter.component.map((component) => elements(element, component.expression, null, pathOf(parameter.expression, type, element.type))));
  return { id: resource.id, found: parts.filter((part) => part.every((component) => component.length > 0)) };
});

// One kind, or a kind for each component.
const kindsOf = (parameter) =>
  parameter.type === 'composite' ? parameter.component.map(kindOf) : parameter.type;

// The value that tells most apart, what it finds, and a value close to it that does not find the first of these.
function question(kinds, rows, targets) {
  const finding = (test) => rows.filter((row) => row.found.some(test)).map((row) => row.id);
  let best = null;
  for (const row of rows) {
    for (const asked of candidates(kinds, row.found, targets)) {
      const found = finding(asked.test);
      if (!found.includes(row.id)) throw new Error(`${asked.text} does not find ${row.id}, where it was read`);
      if (!best || found.length < best.found.length) best = { asked, found };
    }
  }
  if (!best) return null;
  for (const { text, test } of best.asked.near) {
    const found = finding(test);
    if (!found.includes(best.found[0])) return { value: best.asked.text, found: best.found, near: text, nearly: found };
  }
  throw new Error(`nothing near ${best.asked.text} misses ${best.found[0]}`);
}

const out = [];
for (const type of types.sort()) {
  const own = parameters.filter((one) => one.expression && one.base.some((base) => [type, 'Resource', 'DomainResource'].includes(base)));
  for (const parameter of own.sort((one, other) => (one.code < other.code ? -1 : 1))) {
    // The server writes it; the order of commas in nine-part coordinates is `near`'s own test.
    if (parameter.code === '_lastUpdated' || parameter.type === 'special') continue;
    const rows = read(parameter, type);
    const asked = question(kindsOf(parameter), rows, parameter.target);
    const there = rows.filter((row) => row.found.some((element) => present(parameter.type, element))).map((row) => row.id);
    if (asked) out.push([type, parameter.code, asked.value, asked.found.join(' '), asked.near, asked.nearly.join(' '), there.length]);
    else if (there.length > 0) out.push([type, parameter.code, 'no value', there.join(' ')]);
    else out.push([type, parameter.code, 'no example']);
  }
}
fs.writeFileSync(new URL('table.tsv', import.meta.url), out.map((line) => line.join('\t')).join('\n') + '\n');
const count = (word) => out.filter((line) => line[2] === word).length;
console.log(`${out.length} parameters of types: ${out.length - count('no value') - count('no example')} asked, ${count('no value')} without a value, ${count('no example')} without an example`);
