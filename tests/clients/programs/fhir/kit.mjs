// fhir-kit-client (npm) at work against the running server: every interaction it offers, answers held to exact ids and
// statuses, errors to the OperationOutcome that the client hands over.
import assert from "node:assert/strict";
import { Client } from "fhir-kit-client";

const { BINNACLE_URL, BINNACLE_TOKEN } = process.env;
const baseUrl = `${BINNACLE_URL}/FHIR/R4`;
const client = new Client({ baseUrl, bearerToken: BINNACLE_TOKEN });
const system = "urn:example:kit";
const family = `Kit${process.pid}`;
let checked = 0;

const status = (answer) => Client.httpFor(answer).response.status;
const header = (answer, name) => Client.httpFor(answer).response.headers.get(name);
const ids = (bundle) => (bundle.entry ?? []).map((entry) => entry.resource.id);
const person = (value, birthDate) => ({
  resourceType: "Patient",
  identifier: [{ system, value: `${family}-${value}` }],
  name: [{ family, given: [value] }],
  birthDate,
});

function same(actual, expected, what) {
  assert.deepEqual(actual, expected, what);
  checked += 1;
}

/** The error of a request that must fail: its status, and the outcome that the client surfaces. */
async function refused(request, expected, code) {
  const error = await request.then(
    (answer) => assert.fail(`${expected} expected, answered ${JSON.stringify(answer)}`),
    (error) => error,
  );
  const outcome = error.response?.data;
  same([error.response?.status, outcome?.resourceType], [expected, "OperationOutcome"], `${error.message}`);
  same(outcome.issue[0].details.coding[0].code, code, JSON.stringify(outcome));
  return outcome;
}

// What the server says of itself.
const statement = await client.capabilityStatement();
same([statement.resourceType, statement.fhirVersion, statement.status], ["CapabilityStatement", "4.0.1", "active"], "metadata");
const smart = await client.smartAuthMetadata();
same([smart.authorizeUrl.href, smart.tokenUrl.href], [`${BINNACLE_URL}/oauth2/authorize`, `${BINNACLE_URL}/oauth2/token`], "SMART");

// Create, read, version read, update, history.
const made = await client.create({ resourceType: "Patient", body: person("a", "1970-01-01") });
same([status(made), header(made, "etag"), made.meta.versionId], [201, 'W/"1"', "1"], "create");
same(header(made, "location"), `${baseUrl}/Patient/${made.id}/_history/1`, "Location");
const read = await client.read({ resourceType: "Patient", id: made.id });
same([status(read), read], [200, made], "read");
const changed = await client.update({
  resourceType: "Patient",
  id: made.id,
  body: { ...read, active: true },
  options: { headers: { "If-Match": 'W/"1"' } },
});
same([status(changed), changed.meta.versionId, changed.active], [200, "2", true], "update");
const first = await client.vread({ resourceType: "Patient", id: made.id, version: "1" });
same([status(first), first], [200, made], "vread");
await refused(
  client.update({ resourceType: "Patient", id: made.id, body: read, options: { headers: { "If-Match": 'W/"1"' } } }),
  412,
  "RESOURCE_VERSION_MISMATCH",
);

// JSON Patch.
const patched = await client.patch({
  resourceType: "Patient",
  id: made.id,
  jsonPatch: [
    { op: "test", path: "/active", value: true },
    { op: "replace", path: "/birthDate", value: "1970-01-02" },
    { op: "add", path: "/name/0/given/-", value: "Q" },
  ],
});
same([status(patched), patched.meta.versionId, patched.birthDate, patched.name[0].given], [200, "3", "1970-01-02", ["a", "Q"]], "patch");
await refused(
  client.patch({ resourceType: "Patient", id: made.id, jsonPatch: [{ op: "test", path: "/active", value: false }] }),
  422,
  "PATCH_FAILED",
);
const history = await client.history({ resourceType: "Patient", id: made.id });
same([history.type, history.total, history.entry.map((entry) => entry.resource.meta.versionId)], ["history", 3, ["3", "2", "1"]], "history");

// Conditional create and update, with the headers and parameters of FHIR.
const once = { headers: { "If-None-Exist": `identifier=${system}|${family}-b` } };
const b = await client.create({ resourceType: "Patient", body: person("b", "1970-02-01"), options: once });
same(status(b), 201, "conditional create");
const again = await client.create({ resourceType: "Patient", body: person("b", "1970-02-01"), options: once });
same([status(again), again.id, again.meta.versionId], [200, b.id, "1"], "conditional create of what is there");
const searchParams = { identifier: `${system}|${family}-b` };
const b2 = await client.update({ resourceType: "Patient", searchParams, body: person("b", "1970-02-02") });
same([status(b2), b2.id, b2.meta.versionId], [200, b.id, "2"], "conditional update");
const c = await client.update({
  resourceType: "Patient",
  searchParams: { identifier: `${system}|${family}-c` },
  body: person("c", "1970-03-01"),
});
same([status(c), c.meta.versionId], [201, "1"], "conditional update that creates");
await refused(
  client.update({ resourceType: "Patient", searchParams: { family }, body: person("d", "1970-04-01") }),
  412,
  "TOO_MANY_MATCHES",
);

// Transaction: references between entries, then everything at once.
const observation = (n) => ({
  request: { method: "POST", url: "Observation" },
  resource: {
    resourceType: "Observation",
    status: "final",
    code: { coding: [{ system: "http://loinc.org", code: "29463-7" }] },
    subject: { reference: "urn:uuid:11111111-1111-4111-8111-111111111111" },
    effectiveDateTime: `2026-01-0${n}`,
    valueQuantity: { value: 70 + n, unit: "kg", system: "http://unitsofmeasure.org", code: "kg" },
  },
});
const transaction = {
  resourceType: "Bundle",
  type: "transaction",
  entry: [
    {
      fullUrl: "urn:uuid:11111111-1111-4111-8111-111111111111",
      request: { method: "POST", url: "Patient" },
      resource: person("t", "1980-01-01"),
    },
    ...[1, 2, 3, 4, 5].map(observation),
  ],
};
const stored = await client.transaction({ body: transaction });
same([status(stored), stored.type, stored.entry.map((entry) => entry.response.status.slice(0, 3))], [200, "transaction-response", Array(6).fill("201")], "transaction");
const located = stored.entry.map((entry) => entry.response.location.match(/(\w+)\/([^/]+)\/_history\/1$/).slice(1));
same(located.map(([type]) => type), ["Patient", ...Array(5).fill("Observation")], "locations");
const [patientId, ...observationIds] = located.map(([, id]) => id);
const weights = await client.read({ resourceType: "Observation", id: observationIds[0] });
same(weights.subject.reference, `Patient/${patientId}`, "the reference between entries");
const resolved = await client.resolve({ reference: weights.subject.reference });
same([resolved.id, resolved.name[0].family], [patientId, family], "resolve");
const broken = { ...transaction, entry: [transaction.entry[0], { ...observation(6), resource: { resourceType: "Observation", status: "final" } }] };
const outcome = await refused(client.transaction({ body: broken }), 400, "MISSING_VALUE");
same(outcome.issue[0].expression, ["Bundle.entry[1].resource.code"], "which entry");
const batch = await client.batch({
  body: {
    resourceType: "Bundle",
    type: "batch",
    entry: [
      { request: { method: "GET", url: `Patient/${patientId}` } },
      { request: { method: "GET", url: "Patient/nobody" } },
    ],
  },
});
same(batch.entry.map((entry) => entry.response.status.slice(0, 3)), ["200", "404"], "batch");
same(batch.entry[1].response.outcome.issue[0].details.coding[0].code, "RESOURCE_NOT_FOUND", "an entry's outcome");

// Search, by GET and by form, of one type, of all, in a compartment; pages forth and back.
const found = await client.search({ resourceType: "Patient", searchParams: { family, _sort: "birthdate" } });
same([found.type, found.total, ids(found)], ["searchset", 4, [made.id, b.id, c.id, patientId]], "search");
const posted = await client.search({ resourceType: "Patient", searchParams: { family, birthdate: ["ge1970-02", "lt1971"], _sort: "birthdate" }, options: { postSearch: true } });
same(ids(posted), [b.id, c.id], "search by form");
const everywhere = await client.search({ searchParams: { _type: "Patient,Observation", _id: `${made.id},${observationIds[4]}` } });
same(ids(everywhere).sort(), [made.id, observationIds[4]].sort(), "search of several types");
const compartment = { resourceType: "Patient", id: patientId };
let page = await client.search({ resourceType: "Observation", compartment, searchParams: { _sort: "-date", _count: 2, _total: "accurate" } });
same(page.total, 5, "total");
const pages = [];
for (; page; page = await client.nextPage({ bundle: page })) pages.push(ids(page));
const latest = [...observationIds].reverse();
same(pages, [latest.slice(0, 2), latest.slice(2, 4), latest.slice(4)], "pages");
const included = await client.search({ resourceType: "Observation", searchParams: { _id: observationIds[1], _include: "Observation:subject" } });
same(included.entry.map((entry) => [entry.resource.id, entry.search.mode]), [[observationIds[1], "match"], [patientId, "include"]], "include");

// Delete, and what is left.
const gone = await client.delete({ resourceType: "Observation", id: observationIds[0] });
same([status(gone), gone], [204, {}], "delete");
await refused(client.read({ resourceType: "Observation", id: observationIds[0] }), 410, "RESOURCE_DELETED");
same((await client.search({ resourceType: "Observation", searchParams: { _id: observationIds[0] } })).total, 0, "search after delete");
const deleted = await client.history({ resourceType: "Observation", id: observationIds[0] });
same(deleted.entry.map((entry) => entry.request.method), ["DELETE", "POST"], "history after delete");
const people = await client.history({ resourceType: "Patient" });
same([people.type, [...new Set(people.entry.map((entry) => entry.request.url.split("/")[0]))]], ["history", ["Patient"]], "history of a type");
same((await client.history()).type, "history", "history of the server");

// Errors.
await refused(client.read({ resourceType: "Patient", id: "nobody" }), 404, "RESOURCE_NOT_FOUND");
await refused(client.search({ resourceType: "Patient", searchParams: { colour: "red" } }), 400, "UNKNOWN_PARAMETER");
const unknown = await refused(client.create({ resourceType: "Patient", body: { resourceType: "Patient", colour: "red" } }), 400, "INVALID_STRUCTURE");
same(unknown.issue[0].expression, ["Patient.colour"], "where");
await refused(new Client({ baseUrl, bearerToken: "wrong" }).read({ resourceType: "Patient", id: made.id }), 401, "ACCESS_DENIED");

console.log(`kit: ${checked} answers as expected`);
