// The elements that an expression leads to, by the npm package `fhirpath`. An element is `{ type, value }`: its FHIR type
// and its JSON.
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';

// Whether a reference says of itself that it is to a `type`: HL7's expressions ask `where(resolve() is Patient)` only.
function refers(root, reference, type) {
  const text = typeof reference === 'string' ? reference : reference?.reference;
  if (text?.startsWith('#')) return (root.contained ?? []).some((one) => one.id === text.slice(1) && one.resourceType === type);
  const named = text?.match(/(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]+(?:\/_history\/[^/]+)?$/)?.[1];
  return (named ?? reference?.type) === type;
}

// `as` takes one item only in FHIRPath, and HL7's search expressions mean all; what a reference is to is told without a server.
const rewritten = (expression) => expression
  .replace(/\(([^()|]+?) as (\w+)\)/g, '$1.ofType($2)')
  .replace(/^([^()|]+?) as (\w+)$/g, '$1.ofType($2)')
  .replace(/\.as\((\w+)\)/g, '.ofType($1)')
  .replace(/resolve\(\) is (\w+)/g, "refers('$1')");

const compiled = new Map();

function run(base, node, root) {
  const key = JSON.stringify(base);
  if (!compiled.has(key)) {
    const own = {};
    const invocations = { refers: { fn: (inputs, type) => inputs.map((one) => refers(own.root, one, type)), arity: { 1: ['String'] } } };
    compiled.set(key, { own, evaluate: fhirpath.compile(base, r4, { userInvocationTable: invocations, resolveInternalTypes: false }) });
  }
  const { own, evaluate } = compiled.get(key);
  own.root = root;
  const found = evaluate(node, { resource: root });
  const types = fhirpath.types(found);
  return found.map((value, at) => ({ type: types[at].replace(/^(FHIR|System)\./, ''), value: plain(value), root }));
}

// Of a resource of `type`; or, where that is null, of an element that stands at `path`.
export function elements(node, expression, type, path) {
  if (type === null) return run({ base: path, expression: rewritten(expression) }, node.value, node.root);
  const branches = expression.split(' | ').filter((branch) => {
    const base = branch.match(/^[( ]*([A-Z]\w+)/)?.[1];
    return !base || [type, 'Resource', 'DomainResource'].includes(base);
  });
  // One after the other: a union would compare what they find.
  return branches.flatMap((branch) => run(rewritten(balanced(branch.trim())), node, node));
}

// A branch whose parenthesis began in one before it, or ends in one after it.
function balanced(branch) {
  const open = (branch.match(/\(/g) ?? []).length;
  const closed = (branch.match(/\)/g) ?? []).length;
  return open > closed ? branch.replace('(', '') : open < closed ? branch.replace(/\)$/, '') : branch;
}

const plain = (value) => (value === null || typeof value !== 'object' ? value : JSON.parse(JSON.stringify(value)));
