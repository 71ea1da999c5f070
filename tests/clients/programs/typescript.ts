// A program on the client that openapi-typescript generates from the whole document: it must compile (strict) and do
// what it says against the running server. The server's address and a token come from the environment.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/everything.js";

type Patient = components["schemas"]["Patient"];
type CarePlan = components["schemas"]["CarePlan"];
type OperationOutcome = components["schemas"]["OperationOutcome"];

const { BINNACLE_URL: baseUrl = "", BINNACLE_TOKEN: token = "" } = process.env;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

function codeOf(outcome: OperationOutcome | undefined): string | undefined {
  return outcome?.issue[0]?.details?.coding?.[0]?.code;
}

// Create.
const family = `Okonkwo-${process.pid}`;
const body: Patient = {
  resourceType: "Patient",
  identifier: [{ system: "https://fhir.nhs.uk/Id/nhs-number", value: "9000000009" }],
  name: [{ family, given: ["Adaeze"] }],
  gender: "female",
  birthDate: "1954-03",
};
const made = await client.POST("/FHIR/R4/Patient", { body });
check(made.response.status === 201 && made.data !== undefined, `create answers ${made.response.status}`);
check(made.response.headers.get("ETag") === 'W/"1"', "create answers an ETag");
const id = made.data.id;
check(id !== undefined, "create answers the resource with its id");

// Read: the status is typed, and so is what is in the body.
const read = await client.GET("/FHIR/R4/Patient/{id}", { params: { path: { id } } });
check(read.data?.name?.[0]?.family === family && read.data.birthDate === "1954-03", "read answers what was created");

// Create something that refers to it, and search with several parameters, one of which repeats.
const plan: CarePlan = {
  resourceType: "CarePlan",
  status: "active",
  intent: "plan",
  subject: { reference: `Patient/${id}` },
  period: { start: "2026-01-10" },
  title: "Falls prevention",
};
const planned = await client.POST("/FHIR/R4/CarePlan", { body: plan });
check(planned.response.status === 201, `create of a CarePlan answers ${planned.response.status}`);
const found = await client.GET("/FHIR/R4/CarePlan", {
  params: {
    query: {
      patient: [id],
      status: ["active,draft"],
      date: ["ge2026-01-01", "lt2026-02-01"],
      _include: ["CarePlan:subject"],
      _count: 10,
    },
  },
});
check(found.data !== undefined, `search answers ${found.response.status}`);
const titles: string[] = [];
const people: string[] = [];
for (const { resource } of found.data.entry ?? []) {
  // The discriminator tells the types apart.
  if (resource?.resourceType === "CarePlan") titles.push(resource.title ?? "");
  if (resource?.resourceType === "Patient") people.push(resource.name?.[0]?.family ?? "");
}
check(titles.join() === "Falls prevention" && people.join() === family, `search found ${titles} of ${people}`);

// The same search as a form.
const posted = await client.POST("/FHIR/R4/CarePlan/_search", {
  body: { patient: [id], status: ["active"] },
  bodySerializer: (form) => new URLSearchParams({ patient: form.patient?.[0] ?? "", status: form.status?.[0] ?? "" }),
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
});
check(posted.data?.entry?.length === 1, `search by form answers ${posted.response.status}`);

// Errors are OperationOutcomes, typed.
const nobody = await client.GET("/FHIR/R4/Patient/{id}", { params: { path: { id: "nobody" } } });
check(nobody.response.status === 404 && codeOf(nobody.error) === "RESOURCE_NOT_FOUND", "read of nobody answers 404");
const wrong = await client.POST("/FHIR/R4/Patient", {
  body: { ...body, identifier: [{ system: "https://fhir.nhs.uk/Id/nhs-number", value: "9000000008" }] },
});
check(wrong.response.status === 422 && codeOf(wrong.error) === "INVALID_NHS_NUMBER", "a wrong NHS number answers 422");
check(wrong.error?.issue[0]?.expression?.[0] === "Patient.identifier[0].value", "the fault has its place");

// A stale update is refused, a current one is not; then the resource goes.
const newer: Patient = { ...read.data, birthDate: "1954-03-02" };
const headers = { "If-Match": 'W/"7"' };
const stale = await client.PUT("/FHIR/R4/Patient/{id}", { params: { path: { id }, header: headers }, body: newer });
check(stale.response.status === 412 && codeOf(stale.error) === "RESOURCE_VERSION_MISMATCH", "a stale update is 412");
headers["If-Match"] = 'W/"1"';
const fresh = await client.PUT("/FHIR/R4/Patient/{id}", { params: { path: { id }, header: headers }, body: newer });
check(fresh.data?.meta?.versionId === "2", "an update makes version 2");
const gone = await client.DELETE("/FHIR/R4/CarePlan/{id}", { params: { path: { id: planned.data?.id ?? "" } } });
check(gone.response.status === 204, `delete answers ${gone.response.status}`);

// Without a token: 401.
const stranger = createClient<paths>({ baseUrl });
const refused = await stranger.GET("/FHIR/R4/Patient", { params: { query: { name: [family] } } });
check(refused.response.status === 401 && codeOf(refused.error) === "ACCESS_DENIED", "without a token it is 401");
console.log("typescript: created, read, searched, updated, deleted; 401, 404, 412 and 422 typed");
