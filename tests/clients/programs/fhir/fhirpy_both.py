"""fhirpy (PyPI) at work against the running server, its asynchronous and its synchronous client with the same program.

Answers are held to exact ids, errors to the exceptions that the client raises and the OperationOutcome in them.
"""

import asyncio
import inspect
import json
import os
import sys

from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, MultipleResourcesFound, OperationOutcome, ResourceNotFound

BASE, TOKEN = os.environ["BINNACLE_URL"] + "/FHIR/R4", os.environ["BINNACLE_TOKEN"]
SYSTEM = "urn:example:fhirpy"
checked = 0


def same(actual, expected, what):
    global checked
    checked += 1
    if actual != expected:
        raise SystemExit(f"fhirpy: {what}: expected {expected!r}, got {actual!r}")


async def done(answer):
    """What the asynchronous client promises, or what the synchronous one answers."""
    return await answer if inspect.isawaitable(answer) else answer


async def listed(searchset):
    """Everything that a search finds, page after page."""
    if hasattr(searchset, "__aiter__"):
        return [each async for each in searchset]
    return list(searchset)


async def refused(call, exception, code):
    """The outcome of a request that must fail."""
    try:
        answer = await done(call())
    except exception as error:
        outcome = error.resource if isinstance(error, OperationOutcome) else json.loads(str(error))
        same(outcome["resourceType"], "OperationOutcome", "what the exception carries")
        same(outcome["issue"][0]["details"]["coding"][0]["code"], code, json.dumps(outcome))
        return outcome
    raise SystemExit(f"fhirpy: {code} expected, answered {answer!r}")


def person(family, value, birth_date):
    identifier = [{"system": SYSTEM, "value": f"{family}-{value}"}]
    return {"identifier": identifier, "name": [{"family": family, "given": [value]}], "birthDate": birth_date}


async def program(client, family):
    # Create, read, update, history.
    a = client.resource("Patient", **person(family, "a", "1970-01-01"))
    await done(a.save())
    same([a.meta.versionId, a.id is not None], ["1", True], "create")
    read = await done(client.reference("Patient", a.id).to_resource())
    same(dict(read), dict(a), "read")
    a["active"] = True
    await done(a.save())
    same([a.meta.versionId, a.active], ["2", True], "update")
    await done(read.refresh())
    same(dict(read), dict(a), "refresh after a change")
    await done(read.refresh())
    same(dict(read), dict(a), "refresh without one (304)")
    history = await done(client.execute(f"Patient/{a.id}/_history", method="get"))
    same([entry.resource.meta.versionId for entry in history.entry], ["2", "1"], "history")
    first = await done(client.execute(f"Patient/{a.id}/_history/1", method="get"))
    same(first.get("active"), None, "version 1")

    # JSON Patch: the library sends it as any JSON. Its own `patch` sends part of a resource, which FHIR R4 does not have.
    patch = [
        {"op": "test", "path": "/active", "value": True},
        {"op": "replace", "path": "/birthDate", "value": "1970-01-02"},
    ]
    patched = await done(client.execute(f"Patient/{a.id}", method="patch", data=patch))
    same([patched.id, patched.meta.versionId, patched.birthDate], [a.id, "3", "1970-01-02"], "patch")
    await refused(lambda: client.execute(f"Patient/{a.id}", method="patch", data=patch[:1] + [{"op": "remove", "path": "/gender"}]), OperationOutcome, "PATCH_FAILED")
    await refused(lambda: client.patch("Patient", a.id, active=False), OperationOutcome, "INVALID_STRUCTURE")

    # Transaction.
    full_url = "urn:uuid:22222222-2222-4222-8222-222222222222"
    weight = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": full_url},
    }
    patient = {"resourceType": "Patient", **person(family, "t", "1980-01-01")}
    entry = [{"fullUrl": full_url, "request": {"method": "POST", "url": "Patient"}, "resource": patient}]
    entry += [
        {"request": {"method": "POST", "url": "Observation"}, "resource": {**weight, "effectiveDateTime": f"2026-01-0{day}"}}
        for day in range(1, 6)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entry}
    stored = await done(client.execute("", data=bundle))
    same([each.response.status[:3] for each in stored.entry], ["201"] * 6, "transaction")
    t, *weights = [each.response.location.split("/")[-3] for each in stored.entry]
    entry[5]["resource"] = {"resourceType": "Observation", "status": "final"}
    outcome = await refused(lambda: client.execute("", data=bundle), OperationOutcome, "MISSING_VALUE")
    same(outcome["issue"][0]["expression"], ["Bundle.entry[5].resource.code"], "which entry")

    # Search: parameters, chains, sorting, pages, counts, includes.
    people = client.resources("Patient").search(family=family)
    same([each.id for each in await done(people.sort("birthdate").fetch())], [a.id, t], "search")
    same((await done(people.search(birthdate__ge="1975").get())).id, t, "search for one")
    same(await done(people.search(birthdate__ge="1985").first()), None, "search for none")
    of_family = client.resources("Observation").search(subject__Patient__family=family).sort("-date").limit(2)
    same([each.id for each in await listed(of_family)], weights[::-1], "chain, page after page")
    page = await done(of_family.include("Observation", "subject").fetch_raw())
    same([each.resource.id for each in page.entry], [*weights[:2:-1], t], "include")
    # `count` sends the parameter of another server beside FHIR's.
    await refused(lambda: people.count(), OperationOutcome, "UNKNOWN_PARAMETER")
    lenient = type(client)(BASE, authorization=f"Bearer {TOKEN}", extra_headers={"Prefer": "handling=lenient"})
    same(await done(lenient.resources("Patient").search(family=family).count()), 2, "count")

    # Conditional create and update.
    once = {"If-None-Exist": f"identifier={SYSTEM}|{family}-b"}
    careful = type(client)(BASE, authorization=f"Bearer {TOKEN}", extra_headers=once)
    b = await done(careful.resource("Patient", **person(family, "b", "1990-01-01")).save())
    again = await done(careful.resource("Patient", **person(family, "b", "1990-01-01")).save())
    same([again.id, again.meta.versionId], [b.id, "1"], "conditional create of what is there")
    the_b = client.resources("Patient").search(identifier=f"{SYSTEM}|{family}-b")
    changed, made = await done(the_b.update(client.resource("Patient", **person(family, "b", "1990-01-02"))))
    same([changed.id, changed.meta.versionId, made], [b.id, "2", False], "conditional update")
    the_c = client.resources("Patient").search(identifier=f"{SYSTEM}|{family}-c")
    c, made = await done(the_c.update(client.resource("Patient", **person(family, "c", "1991-01-01"))))
    same([c.meta.versionId, made], ["1", True], "conditional update that creates")
    # Its `get_or_create` puts the condition into the address, as another server takes it: nothing must be made by that.
    await refused(lambda: the_b.get_or_create(client.resource("Patient", **person(family, "b", "1990-01-01"))), OperationOutcome, "UNKNOWN_PARAMETER")
    same(sorted(each.id for each in await done(people.fetch())), sorted([a.id, b.id, c.id, t]), "who is there")
    everybody = client.resources("Patient").search(family=family)
    await refused(lambda: everybody.update(client.resource("Patient", **person(family, "d", "1992-01-01"))), MultipleResourcesFound, "TOO_MANY_MATCHES")

    # Delete, by id and by condition.
    same((await done(the_c.delete()))[1], 204, "conditional delete")
    await refused(c.refresh, ResourceNotFound, "RESOURCE_DELETED")
    gone = await done(client.reference("Observation", weights[0]).to_resource())
    await done(gone.delete())
    await refused(lambda: client.reference("Observation", weights[0]).to_resource(), ResourceNotFound, "RESOURCE_DELETED")
    same([each.id for each in await listed(of_family)], weights[:0:-1], "search after delete")

    # Errors.
    await refused(lambda: client.reference("Patient", "nobody").to_resource(), ResourceNotFound, "RESOURCE_NOT_FOUND")
    outcome = await refused(lambda: client.resource("Patient", colour="red").save(), OperationOutcome, "INVALID_STRUCTURE")
    same(outcome["issue"][0]["expression"], ["Patient.colour"], "where")
    stranger = type(client)(BASE)
    await refused(lambda: stranger.reference("Patient", a.id).to_resource(), AuthorizationError, "ACCESS_DENIED")


for kind in (AsyncFHIRClient, SyncFHIRClient):
    asyncio.run(program(kind(BASE, authorization=f"Bearer {TOKEN}"), f"{kind.__name__}{os.getpid()}"))
print(f"fhirpy: {checked} answers as expected, of the asynchronous and the synchronous client")
