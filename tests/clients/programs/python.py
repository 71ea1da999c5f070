"""A program on the clients that openapi-python-client generates from the Patient, CarePlan and Consent documents.

It reads, searches and creates against the running server. The server's address and a token come from the environment.
"""

import os

from careplan.api.care_plan import create_care_plan, search_care_plan
from careplan.client import AuthenticatedClient as CarePlanClient
from careplan.models import CarePlan, CarePlanIntent, CarePlanStatus, OtherResource
from careplan.models import Period as CarePlanPeriod
from careplan.models import Reference as CarePlanReference
from consent.api.consent import create_consent, read_consent
from consent.client import AuthenticatedClient as ConsentClient
from consent.models import CodeableConcept, Coding, Consent, ConsentProvision, ConsentProvisionType, ConsentStatus
from consent.models import Reference as ConsentReference
from patient.api.patient import create_patient, delete_patient, read_patient, search_patient, update_patient
from patient.client import AuthenticatedClient, Client
from patient.models import HumanName, Identifier, OperationOutcome, Patient, PatientGender
from patient.types import UNSET

URL, TOKEN = os.environ["BINNACLE_URL"], os.environ["BINNACLE_TOKEN"]
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"


def check(holds, what):
    if not holds:
        raise SystemExit(f"python: {what}")


def code_of(outcome):
    check(isinstance(outcome, OperationOutcome), f"an error is no OperationOutcome: {outcome!r}")
    return outcome.issue[0].details.coding[0].code


client = AuthenticatedClient(base_url=URL, token=TOKEN)

# Create.
family = f"Iyer-{os.getpid()}"
patient = Patient(
    identifier=[Identifier(system=NHS_NUMBER, value="9000000017")],
    name=[HumanName(family=family, given=["Meera"])],
    gender=PatientGender.FEMALE,
    birth_date="1961",
)
made = create_patient.sync_detailed(client=client, body=patient)
check(made.status_code == 201, f"create answers {made.status_code}: {made.content!r}")
check(isinstance(made.parsed, Patient) and made.headers["ETag"] == 'W/"1"', "create answers the patient")
id_ = made.parsed.id

# Read.
read = read_patient.sync(id_, client=client)
check(isinstance(read, Patient) and read.name[0].family == family, f"read answers {read!r}")
check(read.birth_date == "1961" and read.gender is PatientGender.FEMALE, "read answers what was created")

# Search with several parameters.
bundle = search_patient.sync(
    client=client, name=[family], birthdate=["ge1961", "lt1962"], gender=["female"], field_count=10
)
people = [entry.resource for entry in bundle.entry]
check([type(person) for person in people] == [Patient], f"search answers typed entries: {people!r}")
check(people[0].id == id_, "search finds the patient")
none = search_patient.sync(client=client, name=[family], birthdate=["lt1950"])
check(none.entry is UNSET, "search finds nobody else")

# A care plan of the patient, found with its patient beside it.
careplans = CarePlanClient(base_url=URL, token=TOKEN)
plan = CarePlan(
    status=CarePlanStatus.ACTIVE,
    intent=CarePlanIntent.PLAN,
    subject=CarePlanReference(reference=f"Patient/{id_}"),
    period=CarePlanPeriod(start="2026-02-01"),
    title="Diabetes review",
)
check(create_care_plan.sync_detailed(client=careplans, body=plan).status_code == 201, "create of a CarePlan")
bundle = search_care_plan.sync(client=careplans, patient=[id_], status=["active"], field_include=["CarePlan:subject"])
kinds = sorted((type(entry.resource).__name__, entry.resource.resource_type) for entry in bundle.entry)
check(kinds == [("CarePlan", "CarePlan"), ("OtherResource", "Patient")], f"search with include finds {kinds}")

# A consent of the patient.
consents = ConsentClient(base_url=URL, token=TOKEN)
coded = lambda system, code: CodeableConcept(coding=[Coding(system=system, code=code)])
consent = Consent(
    status=ConsentStatus.ACTIVE,
    scope=coded("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
    category=[coded("http://loinc.org", "59284-0")],
    patient=ConsentReference(reference=f"Patient/{id_}"),
    date_time="2026-02-01",
    policy_rule=coded("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN"),
    provision=ConsentProvision(type_=ConsentProvisionType.PERMIT),
)
made_consent = create_consent.sync_detailed(client=consents, body=consent)
check(made_consent.status_code == 201, f"create of a Consent answers {made_consent.content!r}")
check(read_consent.sync(made_consent.parsed.id, client=consents).provision.type_ == "permit", "read of a Consent")

# Errors are OperationOutcomes, typed.
nobody = read_patient.sync_detailed("nobody", client=client)
check(nobody.status_code == 404 and code_of(nobody.parsed) == "RESOURCE_NOT_FOUND", "read of nobody is 404")
patient.identifier[0].value = "9000000018"
wrong = create_patient.sync_detailed(client=client, body=patient)
check(wrong.status_code == 422 and code_of(wrong.parsed) == "INVALID_NHS_NUMBER", "a wrong NHS number is 422")
stale = update_patient.sync_detailed(id_, client=client, body=read, if_match='W/"7"')
check(stale.status_code == 412 and code_of(stale.parsed) == "RESOURCE_VERSION_MISMATCH", "a stale update is 412")
stranger = search_patient.sync_detailed(client=Client(base_url=URL), name=[family])
check(stranger.status_code == 401 and code_of(stranger.parsed) == "ACCESS_DENIED", "without a token it is 401")

# A deleted patient is gone.
other = create_patient.sync(client=client, body=Patient(name=[HumanName(family=family)]))
check(delete_patient.sync_detailed(other.id, client=client).status_code == 204, "delete")
check(read_patient.sync_detailed(other.id, client=client).status_code == 410, "a deleted patient is 410")
print("python: created, read, searched, updated, deleted; 401, 404, 410, 412 and 422 typed")
