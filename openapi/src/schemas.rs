//! Schemas of resources and data types from R4's element tables: one component for each structure.

use crate::Depth;
use domain::conformance::Definitions;
use domain::conformance::definitions::{Element, ElementType, Shape, ShapeId, ShapeKind, Strength};
use domain::conformance::registry::ResourceType;
use std::collections::BTreeMap;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type,
};
use utoipa::openapi::{Discriminator, KnownFormat, Ref, RefOr, Schema, SchemaFormat};

/// The component that stands for a resource of any type.
pub(crate) const ANY_RESOURCE: &str = "AnyResource";

/// The component that stands for a resource of a type that the document does not describe.
const OTHER_RESOURCE: &str = "OtherResource";
/// What every error is.
const OUTCOME: &str = "OperationOutcome";

/// The schemas reached from some structures, by component name.
pub(crate) struct Schemas {
    depth: Depth,
    found: BTreeMap<String, RefOr<Schema>>,
    waiting: Vec<ShapeId>,
}

impl Schemas {
    /// None yet.
    pub(crate) const fn of(depth: Depth) -> Schemas {
        Schemas { depth, found: BTreeMap::new(), waiting: Vec::new() }
    }

    /// A reference to the schema of a structure, which joins the document with all it needs.
    pub(crate) fn reference(&mut self, shape: &Shape) -> Ref {
        self.waiting.push(shape.id);
        Ref::from_schema_name(component_name(shape.name))
    }

    /// A reference to the schema of a type by its name.
    pub(crate) fn named(&mut self, name: &str) -> Ref {
        if let Some(shape) = Definitions::r4().shape_named(name) {
            self.waiting.push(shape.id);
        }
        Ref::from_schema_name(component_name(name))
    }

    /// Adds a schema that no structure of R4 has.
    pub(crate) fn add(&mut self, name: &str, schema: impl Into<RefOr<Schema>>) {
        self.found.insert(name.to_owned(), schema.into());
    }

    /// Everything referred to, and what that refers to.
    pub(crate) fn finish(mut self) -> BTreeMap<String, RefOr<Schema>> {
        while let Some(id) = self.waiting.pop() {
            let shape = Definitions::r4().shape(id);
            let name = component_name(shape.name);
            if !self.found.contains_key(&name) {
                let schema = self.structure(shape);
                self.found.insert(name, schema);
            }
        }
        self.found
    }

    fn structure(&mut self, shape: &Shape) -> RefOr<Schema> {
        let mut object = ObjectBuilder::new().schema_type(Type::Object);
        let outline = self.depth == Depth::Outline;
        if outline && shape.name == "Extension" {
            let url = primitive("uri", None);
            let free = AdditionalProperties::FreeForm(true);
            return object.property("url", url).required("url").additional_properties(Some(free)).into();
        }
        if !shape.short.is_empty() {
            object = object.description(Some(shape.short));
        }
        if shape.kind == ShapeKind::Resource {
            let type_ = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([shape.name]));
            // Generated code need not name the type again.
            let type_ = type_.default(Some(shape.name.into()));
            object = object.property("resourceType", type_).required("resourceType");
        }
        for element in &shape.elements {
            if element.min > 0 && !element.choice {
                object = object.required(element.name);
            }
            for type_ in &element.types {
                let name = element.member_name(type_);
                let is_primitive = Definitions::r4().shape(type_.shape).kind == ShapeKind::Primitive;
                if is_primitive && element.name != "id" && !outline {
                    object = object.property(format!("_{name}"), self.companion(element));
                }
                object = object.property(name, self.element(shape, element, type_));
            }
        }
        object.into()
    }

    /// `_name`: id and extensions of a primitive (`FHIR R4 json.html#primitive`).
    fn companion(&mut self, element: &Element) -> RefOr<Schema> {
        let companion = self.named("Element");
        if !element.list {
            return companion.into();
        }
        let null = ObjectBuilder::new().schema_type(Type::Null);
        ArrayBuilder::new().items(OneOfBuilder::new().item(companion).item(null)).into()
    }

    fn element(&mut self, owner: &Shape, element: &Element, type_: &ElementType) -> RefOr<Schema> {
        let description = description(element, type_);
        let shape = Definitions::r4().shape(type_.shape);
        if !element.list {
            return match shape.kind {
                ShapeKind::Primitive => {
                    let schema = primitive(shape.name, Some(element)).description(Some(description));
                    schema.read_only(assigned(owner, element)).into()
                }
                _ => self.structure_reference(shape, Some(description)),
            };
        }
        let item = match shape.kind {
            ShapeKind::Primitive => primitive(shape.name, Some(element)).into(),
            _ => self.structure_reference(shape, None),
        };
        ArrayBuilder::new().items(item).min_items(Some(1)).description(Some(description)).into()
    }

    fn structure_reference(&mut self, shape: &Shape, description: Option<String>) -> RefOr<Schema> {
        let mut reference = if shape.name == "Resource" {
            Ref::from_schema_name(ANY_RESOURCE)
        } else {
            self.reference(shape)
        };
        if let Some(description) = description {
            reference.description = description;
        }
        reference.into()
    }
}

/// Any resource: one of all types.
pub(crate) fn any_resource(schemas: &mut Schemas) {
    let definitions = Definitions::r4();
    let mut one = OneOfBuilder::new()
        .description(Some("A resource of any type."))
        .discriminator(Some(Discriminator::new("resourceType")));
    for type_ in definitions.types() {
        one = one.item(schemas.reference(definitions.shape_of(type_)));
    }
    schemas.add(ANY_RESOURCE, one);
}

/// Any resource in a document of some types: one of those, an OperationOutcome, or an object that says its type.
pub(crate) fn any_of(schemas: &mut Schemas, types: &[&ResourceType]) {
    let mut any = AnyOfBuilder::new().description(Some("A resource of any type."));
    for type_ in types.iter().filter(|type_| type_.name != OUTCOME) {
        any = any.item(schemas.named(type_.name));
    }
    any = any.item(schemas.named(OUTCOME)).item(Ref::from_schema_name(OTHER_RESOURCE));
    schemas.add(ANY_RESOURCE, any);
    any_object(schemas, OTHER_RESOURCE);
}

/// Any resource, without saying what is in it.
pub(crate) fn any_object(schemas: &mut Schemas, name: &str) {
    let type_ = ObjectBuilder::new().schema_type(Type::String).description(Some("The type of the resource."));
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("A resource of any type; the document of its type says what is in it."))
        .property("resourceType", type_)
        .required("resourceType")
        .additional_properties(Some(AdditionalProperties::FreeForm(true)));
    schemas.add(name, object);
}

/// `Patient.contact` is `PatientContact`: generators make class names of it.
pub(crate) fn component_name(name: &str) -> String {
    let upper = |part: &str| {
        let mut letters = part.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    };
    name.split('.').map(upper).collect()
}

/// Whether the server gives this element its value, whatever is sent (`FHIR R4 resource.html#Meta`).
fn assigned(owner: &Shape, element: &Element) -> bool {
    owner.name == "Meta" && matches!(element.name, "versionId" | "lastUpdated")
}

fn description(element: &Element, type_: &ElementType) -> String {
    let mut text = element.short.to_owned();
    if !type_.targets.is_empty() {
        text.push_str(&format!(" ({} to {})", type_.code, type_.targets.join(", ")));
    }
    if element.choice {
        text.push_str(&format!(" ({}[x]: {} one of its types)", element.name, least(element)));
    }
    text.trim().to_owned()
}

const fn least(element: &Element) -> &'static str {
    if element.min > 0 { "exactly" } else { "at most" }
}

/// The schema of a primitive value (`FHIR R4 datatypes.html#primitive`), with the codes of a required binding.
///
/// `date` and `dateTime` have no `format`: FHIR allows `1970` and `1970-05`, which generated code could not read.
pub(crate) fn primitive(name: &str, element: Option<&Element>) -> ObjectBuilder {
    let codes = element
        .and_then(|element| element.binding)
        .filter(|binding| binding.strength == Strength::Required && name == "code")
        .and_then(|binding| Definitions::r4().codes(binding.value_set));
    let text = || ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    let whole = || {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Integer))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
    };
    if let Some(codes) = codes.filter(|codes| !codes.is_empty()) {
        return text().enum_values(Some(codes));
    }
    match name {
        "boolean" => ObjectBuilder::new().schema_type(SchemaType::new(Type::Boolean)),
        "decimal" => ObjectBuilder::new().schema_type(SchemaType::new(Type::Number)),
        "integer" => whole(),
        "unsignedInt" => whole().minimum(Some(0)),
        "positiveInt" => whole().minimum(Some(1)),
        "instant" => text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        "date" => text().pattern(Some("^\\d{4}(-\\d{2}(-\\d{2})?)?$")),
        "dateTime" => text().pattern(Some(
            "^\\d{4}(-\\d{2}(-\\d{2}(T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2}))?)?)?$",
        )),
        "time" => text().pattern(Some("^\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?$")),
        "code" => text().pattern(Some("^\\S+( \\S+)*$")),
        "id" => text().pattern(Some("^[A-Za-z0-9.-]{1,64}$")),
        "uri" | "url" | "canonical" => text().pattern(Some("^\\S+$")),
        "oid" => text().pattern(Some("^urn:oid:[0-2](\\.(0|[1-9][0-9]*))+$")),
        "uuid" => {
            text().pattern(Some("^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"))
        }
        "base64Binary" => text().content_encoding("base64"),
        _ => text().min_length(Some(1)),
    }
}
