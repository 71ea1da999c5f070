// fhirclient (npm), SMART's own library, with its adapter for servers: it finds the authorization server, sends a person
// there, is called back, has a token, refreshes it, and works on that person's record with it.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const smart = createRequire(import.meta.url)("fhirclient");
const { BINNACLE_URL, BINNACLE_TOKEN, SMART_USER, SMART_PASSWORD, SMART_PATIENT } = process.env;
const iss = `${BINNACLE_URL}/FHIR/R4`;
const scope = "openid fhirUser launch/patient offline_access patient/*.cruds";
const LOINC = "http://loinc.org";
let checked = 0;

function same(actual, expected, what) {
  assert.deepEqual(actual, expected, what);
  checked += 1;
}

/** The error of a request that must fail: its status, and the outcome's code in the body or text that the library keeps. */
async function refused(request, status, code) {
  const error = await request.then((answer) => assert.fail(`${status} expected, answered ${JSON.stringify(answer)}`), (error) => error);
  same([error.name, error.status], ["HttpError", status], error.message);
  assert.ok(error.message.includes(code) || JSON.stringify(error).includes(code), `${code} is not in: ${error.message}`);
}

// The server side of an app, with one session: /launch sends away, / is called back.
const session = {};
let answered;
const app = createServer(async (request, response) => {
  request.session = session;
  const library = smart(request, response);
  try {
    if (request.url.startsWith("/launch")) return await library.authorize({ iss, clientId: "smart", scope, redirectUri: "/callback" });
    answered = await library.ready();
    response.end("ready");
  } catch (error) {
    response.writeHead(500).end(String(error.stack));
  }
});
await new Promise((listening) => app.listen(0, "127.0.0.1", listening));
const origin = `http://127.0.0.1:${app.address().port}`;

// A browser without scripts: cookies, pages, one form each.
const cookies = new Map();
async function browse(address, fields) {
  const answer = await fetch(new URL(address, BINNACLE_URL), {
    method: fields ? "POST" : "GET",
    body: fields && new URLSearchParams(fields),
    headers: { Cookie: [...cookies].map((pair) => pair.join("=")).join("; ") },
    redirect: "manual",
  });
  for (const cookie of answer.headers.getSetCookie()) cookies.set(...cookie.split(";")[0].split(/=(.*)/s, 2));
  return answer;
}
const plain = (text) => text.replaceAll("&#x2f;", "/").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
async function submit(page, fields) {
  const html = await page.text();
  const action = plain(html.match(/<form method="post" action="([^"]*)"/)[1]);
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, plain(value)]);
  return browse(action, { ...Object.fromEntries(hidden), ...fields });
}

async function launch(decision) {
  answered = undefined;
  const sent = await browse(`${origin}/launch`);
  same(sent.status, 302, "the app sends the person away");
  let page = await browse(sent.headers.get("location"));
  if (page.status === 200 && !cookies.has("loggedIn")) {
    page = await submit(page, { username: SMART_USER, password: SMART_PASSWORD });
    page = page.status === 303 ? await browse(page.headers.get("location")) : page;
  }
  const called = await submit(page, { decision });
  same(called.status, 303, "the person is sent back");
  return browse(called.headers.get("location"));
}

// A person who does not allow it: the library says so.
const denied = await launch("deny");
same([denied.status, (await denied.text()).includes("access_denied")], [500, true], "denied");

// The person allows it.
cookies.clear();
const landed = await launch("allow");
same([landed.status, await landed.text()], [200, "ready"], "the code is exchanged");
const client = answered;
same([client.patient.id, client.user.fhirUser, client.user.resourceType, client.user.id], [SMART_PATIENT, `Patient/${SMART_PATIENT}`, "Patient", SMART_PATIENT], "who");
same(client.getState("tokenResponse.token_type"), "Bearer", "token type");
same(client.getState("tokenResponse.scope").split(" ").sort(), scope.split(" ").sort(), "scope granted");
same([await client.getFhirVersion(), await client.getFhirRelease()], ["4.0.1", 4], "version");

// Her record: read, update, create, search, pages, references.
const me = await client.patient.read();
same([me.resourceType, me.id, await client.user.read()], ["Patient", SMART_PATIENT, me], "who she is");
const renamed = await client.update({ ...me, name: [{ family: "Smart", given: ["Amina"] }] });
same([renamed.id, Number(renamed.meta.versionId)], [SMART_PATIENT, Number(me.meta.versionId) + 1], "update");
const weight = (n) => ({
  resourceType: "Observation",
  status: "final",
  category: [{ coding: [{ system: "http://terminology.hl7.org/CodeSystem/observation-category", code: "vital-signs" }] }],
  code: { coding: [{ system: LOINC, code: "29463-7" }] },
  subject: { reference: `Patient/${SMART_PATIENT}` },
  effectiveDateTime: `2026-02-0${n}`,
  valueQuantity: { value: 70 + n, unit: "kg", system: "http://unitsofmeasure.org", code: "kg" },
});
const created = [];
for (const n of [1, 2, 3, 4, 5]) created.push((await client.create(weight(n))).id);
const { response, body } = await client.create(weight(6), { includeResponse: true });
same([response.status, response.headers.get("etag")], [201, 'W/"1"'], "create");
created.push(body.id);
const found = await client.patient.request("Observation?code=29463-7&_sort=date&_count=4", { pageLimit: 0, flat: true });
same(found.map((each) => each.id), created, "search by pages");
const pages = [];
for await (const page of client.pages("Observation?_sort=-date&_count=4&code=29463-7")) pages.push(page.entry.length);
same(pages, [4, 2], "pages");
const walked = [];
for await (const each of client.resources("Observation?_sort=-date&_count=4&code=29463-7")) walked.push(each.id);
same(walked, [...created].reverse(), "resources");
same(client.byCode(found, "code")["29463-7"].length, 6, "by code");
same(client.units.kg(client.getPath(found[0], "valueQuantity")), 71, "units");
const resolved = await client.request(`Observation/${created[0]}`, { resolveReferences: ["subject"] });
same(resolved.subject.id, SMART_PATIENT, "references");

// JSON Patch, history, transaction, delete.
const patched = await client.patch(`Observation/${created[0]}`, [{ op: "replace", path: "/valueQuantity/value", value: 99.5 }]);
same([patched.id, patched.meta.versionId, patched.valueQuantity.value], [created[0], "2", 99.5], "patch");
const history = await client.request(`Observation/${created[0]}/_history`);
same(history.entry.map((entry) => entry.request.method), ["PATCH", "POST"], "history");
const transaction = await client.request({
  url: iss,
  method: "POST",
  headers: { "Content-Type": "application/fhir+json" },
  body: JSON.stringify({
    resourceType: "Bundle",
    type: "transaction",
    entry: [
      { request: { method: "POST", url: "Observation" }, resource: weight(7) },
      { request: { method: "DELETE", url: `Observation/${created[1]}` } },
    ],
  }),
});
same(transaction.entry.map((entry) => entry.response.status.slice(0, 3)), ["204", "201"].reverse(), "transaction");
await client.delete(`Observation/${created[2]}`);
await refused(client.request(`Observation/${created[1]}`), 410, "RESOURCE_DELETED");
await refused(client.request(`Observation/${created[2]}`), 410, "RESOURCE_DELETED");
same((await client.request("Observation?_summary=count")).total, 5, "what is left");

// Conditional create and update.
const marked = { ...weight(8), identifier: [{ system: "urn:example:smart", value: `${process.pid}` }] };
const condition = `identifier=urn:example:smart|${process.pid}`;
const statuses = [];
for (const _ of [1, 2]) {
  const { response } = await client.create(marked, { includeResponse: true, headers: { "If-None-Exist": condition } });
  statuses.push(response.status);
}
const put = { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...marked, status: "amended" }), includeResponse: true };
const updated = await client.request({ url: `Observation?${condition}`, ...put });
same([...statuses, updated.response.status, updated.body.status, updated.body.meta.versionId], [201, 200, 200, "amended", "2"], "conditional");

// Another record does not exist for her; what is wrong is said by an OperationOutcome.
await refused(client.request("Patient/somebody-else"), 404, "RESOURCE_NOT_FOUND");
await refused(client.request("Observation?colour=red"), 400, "UNKNOWN_PARAMETER");
await refused(client.create({ resourceType: "Observation", status: "final" }), 400, "MISSING_VALUE");
await refused(client.patch(`Observation/${created[0]}`, [{ op: "test", path: "/status", value: "amended" }]), 422, "PATCH_FAILED");

// The refresh token brings another access token, once.
const before = client.getState("tokenResponse.access_token");
const refreshToken = client.getState("tokenResponse.refresh_token");
await client.refresh();
const after = client.getState("tokenResponse.access_token");
same([after !== before, client.getState("tokenResponse.refresh_token") !== refreshToken], [true, true], "refresh");
same((await client.patient.read()).id, SMART_PATIENT, "read with the new token");

// A token that came from elsewhere, without a session.
const system = new smart.FhirClient(iss);
system.getRequestDefaults = async () => ({ headers: { Authorization: `Bearer ${BINNACLE_TOKEN}` } });
same((await system.fhirRequest(`Patient/${SMART_PATIENT}`)).id, SMART_PATIENT, "with a system's token");
await refused(new smart.FhirClient(iss).fhirRequest(`Patient/${SMART_PATIENT}`), 401, "ACCESS_DENIED");

app.close();
console.log(`smart: ${checked} answers as expected, with a token that a person allowed`);
