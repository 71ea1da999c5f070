"""fhir.resources (PyPI, its last version with FHIR R4 4.0.1): every answer of the server must be what its models take.

The demo record set is loaded, changed, patched, searched, walked through and deleted; resources made with the models are
sent as they print themselves. The folder of the demo record set is the argument.
"""

import json
import os
import pathlib
import sys

import requests
from fhir.resources import __fhir_version__, construct_fhir_element
from fhir.resources.bundle import Bundle, BundleEntry, BundleEntryRequest
from fhir.resources.codeableconcept import CodeableConcept
from fhir.resources.coding import Coding
from fhir.resources.humanname import HumanName
from fhir.resources.identifier import Identifier
from fhir.resources.observation import Observation
from fhir.resources.patient import Patient
from fhir.resources.quantity import Quantity
from fhir.resources.reference import Reference

BASE, TOKEN = os.environ["BINNACLE_URL"] + "/FHIR/R4", os.environ["BINNACLE_TOKEN"]
SYSTEM, VALUE = "urn:example:models", str(os.getpid())
session = requests.Session()
session.headers.update({"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/fhir+json"})
parsed, types = 0, set()


def check(holds, what):
    if not holds:
        raise SystemExit(f"models: {what}")


def same(actual, expected, what):
    check(actual == expected, f"{what}: expected {expected!r}, got {actual!r}")


def ask(method, address, status, body=None, **headers):
    """The answer as a model, or None when it has no body."""
    global parsed
    body = body.json() if hasattr(body, "json") else json.dumps(body) if body is not None else None
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    url = address if address.startswith("http") else f"{BASE}/{address}"
    answer = session.request(method, url, data=body, headers=headers)
    check(answer.status_code == status, f"{method} {address} answers {answer.status_code}: {answer.text[:600]}")
    if not answer.content:
        return None
    tree = answer.json()
    try:
        model = construct_fhir_element(tree["resourceType"], tree)
    except Exception as error:
        raise SystemExit(f"models: {method} {address}: {error}\n{answer.text[:2000]}") from None
    parsed += 1
    note(tree)
    return model


def note(tree):
    types.add(tree["resourceType"])
    for entry in tree.get("entry", []) if tree["resourceType"] == "Bundle" else []:
        if "resource" in entry:
            note(entry["resource"])


def code_of(outcome):
    same(outcome.resource_type, "OperationOutcome", "an error")
    return outcome.issue[0].details.coding[0].code


same(__fhir_version__, "4.0.1", "the models' version of FHIR")
same(ask("GET", "metadata", 200).fhirVersion, "4.0.1", "metadata")

# The demo record set: transactions, then everything that came of them.
stored = []
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
    bundle = json.loads(file.read_text())
    response = ask("POST", "", 200, bundle)
    same(len(response.entry), len(bundle["entry"]), f"entries of {file.name}")
    stored += [entry["request"]["url"] for entry in bundle["entry"]]
check(len(stored) > 100, "the demo record set is larger")
for address in stored:
    resource = ask("GET", address, 200)
    same(f"{resource.resource_type}/{resource.id}", address, "read")
history, entries = ask("GET", "_history?_count=200", 200), 0
while history:
    entries += len(history.entry)
    following = [link.url for link in history.link if link.relation == "next"]
    history = ask("GET", following[0], 200) if following else None
check(entries >= len(stored), f"the history has {entries} entries of {len(stored)}")

# Made with the models, sent as they print themselves.
patient = Patient(identifier=[Identifier(system=SYSTEM, value=VALUE)], name=[HumanName(family=f"Models{VALUE}")], birthDate="1980-05-01")
made = ask("POST", "Patient", 201, patient)
same({name: value for name, value in made.dict().items() if name not in ("id", "meta")}, dict(patient.dict()), "create")
again = ask("POST", "Patient", 200, patient, If_None_Exist=f"identifier={SYSTEM}|{VALUE}")
same(again, made, "conditional create of what is there")
made.active = True
changed = ask("PUT", f"Patient/{made.id}", 200, made, If_Match='W/"1"')
same([changed.meta.versionId, changed.active], ["2", True], "update")
conditional = ask("PUT", f"Patient?identifier={SYSTEM}|{VALUE}", 200, Patient(**{**patient.dict(), "gender": "female"}))
same([conditional.id, conditional.meta.versionId, conditional.gender], [made.id, "3", "female"], "conditional update")
patch = [{"op": "add", "path": "/active", "value": False}]
patched = ask("PATCH", f"Patient/{made.id}", 200, patch, Content_Type="application/json-patch+json")
same([patched.active, patched.meta.versionId], [False, "4"], "patch")


def weight(day, kilograms):
    code = CodeableConcept(coding=[Coding(system="http://loinc.org", code="29463-7")])
    quantity = Quantity(value=kilograms, unit="kg", system="http://unitsofmeasure.org", code="kg")
    about = Reference(reference=f"Patient/{made.id}")
    return Observation(status="final", code=code, subject=about, effectiveDateTime=f"2026-03-0{day}", valueQuantity=quantity)


entry = [BundleEntry(request=BundleEntryRequest(method="POST", url="Observation"), resource=weight(day, f"7{day}.50")) for day in (1, 2, 3, 4, 5)]
response = ask("POST", "", 200, Bundle(type="transaction", entry=entry), Prefer="return=representation")
weights = [each.resource.id for each in response.entry]
same([each.response.status[:3] for each in response.entry], ["201"] * 5, "transaction")

# Searches and what they bring along, page by page; subsets; history.
page, found = ask("GET", f"Observation?subject=Patient/{made.id}&_sort=date&_count=2&_include=Observation:subject", 200), []
while page:
    found += [each.resource.id for each in page.entry if each.search.mode == "match"]
    same([each.resource.id for each in page.entry if each.search.mode == "include"], [made.id], "include")
    following = [link.url for link in page.link if link.relation == "next"]
    page = ask("GET", following[0], 200) if following else None
same(found, weights, "search")
for more in ("_summary=count", "_summary=true", "_summary=text", "_elements=status,code", "_total=accurate&_count=0", "_format=json&_pretty=true"):
    ask("GET", f"Observation?subject=Patient/{made.id}&{more}", 200)
ask("GET", "Patient?_revinclude=*&_count=5", 200)
ask("GET", f"Patient/{made.id}/*?_count=50", 200)
ask("GET", f"?_type=Patient,CarePlan,Consent&_lastUpdated=gt2020&_count=50", 200)
history = ask("GET", f"Patient/{made.id}/_history", 200)
same([[each.request.method, each.resource.meta.versionId] for each in history.entry], [["PATCH", "4"], ["PUT", "3"], ["PUT", "2"], ["POST", "1"]], "history")
ask("GET", f"Patient/{made.id}/_history/1", 200)
batch = ask("POST", "", 200, {"resourceType": "Bundle", "type": "batch", "entry": [
    {"request": {"method": "GET", "url": f"Observation/{weights[0]}"}},
    {"request": {"method": "GET", "url": "Observation/nobody"}},
    {"request": {"method": "GET", "url": f"Observation?subject=Patient/{made.id}"}},
]})
same([each.response.status[:3] for each in batch.entry], ["200", "404", "200"], "batch")
same(code_of(batch.entry[1].response.outcome), "RESOURCE_NOT_FOUND", "an entry's outcome")

# Delete, and every kind of error.
same(ask("DELETE", f"Observation/{weights[0]}", 204), None, "delete")
deleted = ask("GET", f"Observation/{weights[0]}/_history", 200)
same([each.request.method for each in deleted.entry], ["DELETE", "POST"], "history after delete")
for method, address, status, code, body in (
    ("GET", f"Observation/{weights[0]}", 410, "RESOURCE_DELETED", None),
    ("GET", "Patient/nobody", 404, "RESOURCE_NOT_FOUND", None),
    ("GET", "Potato/1", 404, "UNKNOWN_RESOURCE_TYPE", None),
    ("GET", "Patient?colour=red", 400, "UNKNOWN_PARAMETER", None),
    ("POST", "Observation", 400, "MISSING_VALUE", {"resourceType": "Observation", "status": "final"}),
    ("POST", "Patient", 400, "INVALID_STRUCTURE", {"resourceType": "Patient", "colour": "red"}),
    ("POST", f"Patient?identifier={SYSTEM}|{VALUE}", 400, "UNKNOWN_PARAMETER", {"resourceType": "Patient"}),
    ("POST", "metadata", 405, "METHOD_NOT_ALLOWED", {}),
):
    same(code_of(ask(method, address, status, body)), code, f"{method} {address}")
same(code_of(ask("PUT", f"Patient/{made.id}", 412, made, If_Match='W/"1"')), "RESOURCE_VERSION_MISMATCH", "a stale update")
same(code_of(ask("POST", "Patient", 415, patient, Content_Type="text/plain")), "UNSUPPORTED_MEDIA_TYPE", "another media type")
same(code_of(ask("GET", "Patient", 401, Authorization="Bearer wrong")), "ACCESS_DENIED", "another's token")
print(f"models: {parsed} answers with resources of {len(types)} types taken by the models of FHIR {__fhir_version__}")
