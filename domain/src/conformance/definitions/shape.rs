//! The structures of R4: resources, data types and backbone elements, each with its elements and JSON members.

use super::table::rows;
use super::value_set::ValueSets;
use rustc_hash::FxHashMap;

const TYPES: &str = include_str!("../../../definitions/types.tsv");
const ELEMENTS: &str = include_str!("../../../definitions/elements.tsv");
const SHORTS: &str = include_str!("../../../definitions/shorts.tsv");

/// The number of a [`Shape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct ShapeId(u16);

/// What kind of structure a [`Shape`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeKind {
    /// A resource type, `Resource` and `DomainResource` included.
    Resource,
    /// A data type.
    Complex,
    /// A primitive type: one JSON value.
    Primitive,
    /// A backbone element, named by its path.
    Backbone,
}

/// A structure: a type or a backbone element.
#[derive(Debug)]
pub struct Shape {
    /// `HumanName`, `date`, or a path like `Patient.contact`.
    pub name: &'static str,
    /// Its number.
    pub id: ShapeId,
    /// What it is.
    pub kind: ShapeKind,
    /// Whether nothing is of just this type.
    pub is_abstract: bool,
    /// The type it specialises: of `code`, `string`; of a backbone element, `BackboneElement` or `Element`.
    pub base: Option<ShapeId>,
    /// One line about it.
    pub short: &'static str,
    /// Its elements in R4's order, inherited ones first; none for a primitive.
    pub elements: Vec<Element>,
    keys: FxHashMap<String, Key>,
}

/// One element of a structure.
#[derive(Debug, Clone)]
pub struct Element {
    /// Its name; of a choice, the stem: `value` for `value[x]`.
    pub name: &'static str,
    /// Least occurrences.
    pub min: u32,
    /// Most occurrences; `None` is `*`.
    pub max: Option<u32>,
    /// Whether JSON has an array: the base definition lets it repeat.
    pub list: bool,
    /// Whether it is `name[x]`.
    pub choice: bool,
    /// Its types: one, or those of the choice.
    pub types: Vec<ElementType>,
    /// Whether it belongs to summaries.
    pub summary: bool,
    /// Whether it may change the meaning of what stands around it.
    pub modifier: bool,
    /// The value set it is bound to.
    pub binding: Option<Binding>,
    /// One line about it.
    pub short: &'static str,
}

/// A type an element may have.
#[derive(Debug, Clone)]
pub struct ElementType {
    /// Its structure.
    pub shape: ShapeId,
    /// Its name (`Reference`, `BackboneElement`).
    pub code: &'static str,
    /// Types that a Reference or canonical may point to; empty for any.
    pub targets: Vec<&'static str>,
}

/// A binding to a value set.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// How binding it is.
    pub strength: Strength,
    /// Canonical URL without version.
    pub value_set: &'static str,
    /// Whether the codes are known here.
    pub enumerable: bool,
}

/// Strength of a binding (`FHIR R4 terminologies.html#strength`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// Only codes of the set.
    Required,
    /// Others only where none fits.
    Extensible,
    /// A recommendation.
    Preferred,
    /// An example.
    Example,
}

/// What a JSON member of a structure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Place of its element in [`Shape::elements`].
    pub element: u16,
    /// Place of its type in [`Element::types`].
    pub type_: u16,
    /// Whether it is `_name`, the companion of a primitive with its id and extensions.
    pub companion: bool,
}

impl Shape {
    /// What the JSON member `key` is; `None` for one that this structure does not have.
    pub fn key(&self, key: &str) -> Option<Key> {
        self.keys.get(key).copied()
    }

    /// The element and type of a JSON member.
    pub fn member(&self, key: &str) -> Option<(&Element, &ElementType, Key)> {
        let found = self.key(key)?;
        let element = self.elements.get(usize::from(found.element))?;
        Some((element, element.types.get(usize::from(found.type_))?, found))
    }

    /// The element of this name (of a choice, its stem).
    pub fn element(&self, name: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.name == name)
    }
}

impl Element {
    /// The JSON member that holds this element as `type_`: `valueQuantity`, `status`.
    pub fn member_name(&self, type_: &ElementType) -> String {
        if !self.choice {
            return self.name.to_owned();
        }
        let mut letters = type_.code.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        self.name.chars().chain(first).chain(letters).collect()
    }
}

/// All structures.
pub(super) struct Shapes {
    all: Vec<Shape>,
    names: FxHashMap<&'static str, ShapeId>,
}

impl Shapes {
    pub(super) fn load(value_sets: &ValueSets) -> Shapes {
        let shorts: FxHashMap<&str, &'static str> =
            rows(SHORTS).map(|mut row| (row.next(), row.next())).collect();
        let short = |path: &str| shorts.get(path).copied().unwrap_or_default();
        let mut shapes = Shapes { all: Vec::with_capacity(900), names: FxHashMap::default() };
        let mut bases: FxHashMap<&'static str, &'static str> = FxHashMap::default();
        for mut row in rows(TYPES) {
            let (name, kind) = (row.next(), row.next());
            let is_abstract = !row.next().is_empty();
            bases.insert(name, row.next());
            let kind = match kind {
                "resource" => ShapeKind::Resource,
                "primitive" => ShapeKind::Primitive,
                _ => ShapeKind::Complex,
            };
            shapes.add(name, kind, is_abstract, short(name));
        }
        // Backbone elements: those whose type is Element or BackboneElement and which have rows below them.
        for mut row in rows(ELEMENTS) {
            let (path, types) = (row.next(), row.nth_cell(2));
            if matches!(types, "BackboneElement" | "Element") {
                bases.insert(path, types);
                shapes.add(path, ShapeKind::Backbone, false, short(path));
            }
        }
        for mut row in rows(ELEMENTS) {
            shapes.read_element(&mut row, value_sets, short);
        }
        shapes.inherit(&bases);
        for shape in &mut shapes.all {
            shape.keys = keys(&shape.elements);
        }
        shapes.mark_primitive_companions();
        shapes
    }

    fn add(&mut self, name: &'static str, kind: ShapeKind, is_abstract: bool, short: &'static str) {
        let id = ShapeId(u16::try_from(self.all.len()).unwrap_or(u16::MAX));
        self.names.insert(name, id);
        self.all.push(Shape {
            name,
            id,
            kind,
            is_abstract,
            base: None,
            short,
            elements: Vec::new(),
            keys: FxHashMap::default(),
        });
    }

    fn read_element(
        &mut self,
        row: &mut super::table::Row,
        value_sets: &ValueSets,
        short: impl Fn(&str) -> &'static str,
    ) {
        let path = row.next();
        let min = row.next().parse().unwrap_or(0);
        let max = row.next();
        let types = row.next();
        let flags = row.next();
        let (strength, value_set) = (row.next(), row.next());
        let Some((parent, name)) = path.rsplit_once('.') else { return };
        let Some(owner) = self.names.get(parent).copied() else { return };
        let (name, choice) = name.strip_suffix("[x]").map_or((name, false), |stem| (stem, true));
        let strength = match strength {
            "required" => Some(Strength::Required),
            "extensible" => Some(Strength::Extensible),
            "preferred" => Some(Strength::Preferred),
            "example" => Some(Strength::Example),
            _ => None,
        };
        let element = Element {
            name,
            min,
            max: max.parse().ok(),
            list: max != "1" && max != "0",
            choice,
            types: types
                .split(',')
                .filter(|text| !text.is_empty())
                .map(|text| self.element_type(path, text))
                .collect(),
            summary: flags.contains('S'),
            modifier: flags.contains('M'),
            binding: strength.map(|strength| Binding {
                strength,
                value_set,
                enumerable: value_sets.enumerable(value_set),
            }),
            short: short(path),
        };
        if let Some(shape) = self.all.get_mut(usize::from(owner.0)) {
            shape.elements.push(element);
        }
    }

    /// `Reference(Patient|Group)`, `#Bundle.link`, `BackboneElement`, `string`.
    fn element_type(&self, path: &str, text: &'static str) -> ElementType {
        let (code, targets) = match text.split_once('(') {
            Some((code, targets)) => (code, targets.trim_end_matches(')').split('|').collect()),
            None => (text, Vec::new()),
        };
        let structure = match code {
            "BackboneElement" | "Element" => path,
            code => code.strip_prefix('#').unwrap_or(code),
        };
        let code = if code.starts_with('#') { "BackboneElement" } else { code };
        ElementType { shape: self.names.get(structure).copied().unwrap_or_default(), code, targets }
    }

    /// Puts each structure's inherited elements before its own.
    fn inherit(&mut self, bases: &FxHashMap<&'static str, &'static str>) {
        let own: FxHashMap<&'static str, Vec<Element>> =
            self.all.iter_mut().map(|shape| (shape.name, std::mem::take(&mut shape.elements))).collect();
        for shape in &mut self.all {
            shape.base = bases.get(shape.name).and_then(|base| self.names.get(base)).copied();
            if shape.kind == ShapeKind::Primitive {
                // A companion `_name` has what Element has.
                shape.elements = own.get("Element").cloned().unwrap_or_default();
                continue;
            }
            let mut line = vec![shape.name];
            while let Some(base) =
                line.last().and_then(|name| bases.get(name)).filter(|base| !base.is_empty())
            {
                line.push(base);
            }
            shape.elements = line.iter().rev().filter_map(|name| own.get(name)).flatten().cloned().collect();
        }
    }

    fn mark_primitive_companions(&mut self) {
        let primitives: Vec<bool> = self.all.iter().map(|shape| shape.kind == ShapeKind::Primitive).collect();
        for shape in &mut self.all {
            let elements = &shape.elements;
            // XML has these as attributes, which have neither id nor extensions (`element.html`, `extensibility.html`).
            let attribute = |name: &str| match name {
                "_id" => shape.kind != ShapeKind::Resource,
                "_url" => shape.name == "Extension",
                _ => false,
            };
            shape.keys.retain(|name, key| {
                if attribute(name) {
                    return false;
                }
                let type_ =
                    elements.get(usize::from(key.element)).and_then(|e| e.types.get(usize::from(key.type_)));
                let primitive =
                    type_.and_then(|t| primitives.get(usize::from(t.shape.0))).copied().unwrap_or(false);
                !key.companion || primitive
            });
        }
    }

    pub(super) fn get(&self, id: ShapeId) -> &Shape {
        // Ids are only made by `add`; the first shape stands in for none.
        static EMPTY: std::sync::OnceLock<Shape> = std::sync::OnceLock::new();
        self.all.get(usize::from(id.0)).unwrap_or_else(|| {
            EMPTY.get_or_init(|| Shape {
                name: "",
                id: ShapeId(u16::MAX),
                kind: ShapeKind::Complex,
                is_abstract: true,
                base: None,
                short: "",
                elements: Vec::new(),
                keys: FxHashMap::default(),
            })
        })
    }

    pub(super) fn named(&self, name: &str) -> Option<ShapeId> {
        self.names.get(name).copied()
    }

    pub(super) fn all(&self) -> &[Shape] {
        &self.all
    }

    pub(super) fn resource_types(&self) -> Vec<&'static str> {
        let concrete = |shape: &&Shape| shape.kind == ShapeKind::Resource && !shape.is_abstract;
        let mut names: Vec<&'static str> = self.all.iter().filter(concrete).map(|shape| shape.name).collect();
        names.sort_unstable();
        names
    }
}

/// The JSON members of `elements`; of every element also the companion, which [`Shapes::mark_primitive_companions`]
/// takes away again where the element is not primitive.
fn keys(elements: &[Element]) -> FxHashMap<String, Key> {
    let mut keys = FxHashMap::default();
    for (element, at) in elements.iter().zip(0..) {
        for (type_, place) in element.types.iter().zip(0..) {
            let name = element.member_name(type_);
            keys.insert(format!("_{name}"), Key { element: at, type_: place, companion: true });
            keys.insert(name, Key { element: at, type_: place, companion: false });
        }
    }
    keys
}
