//! References: their form, the types they may point to, and links between a resource and its contained ones.

use super::place::Place;
use super::structure::Walk;
use crate::conformance::definitions::ElementType;
use crate::error::ErrorCode;
use crate::resource::json::Json;

impl<'d> Walk<'d> {
    /// Checks the `Reference` object `value` of an element that may point to `type_.targets`.
    pub(super) fn reference(&mut self, value: &Json<'_>, type_: &'d ElementType, place: &Place<'_>) {
        let Some(reference) = value.get("reference").and_then(Json::as_str) else { return };
        let place = &place.member("reference");
        if reference.chars().any(char::is_whitespace) {
            self.fault(ErrorCode::InvalidValue, place, || {
                "A reference has no white space: write it as Type/id, #id or a URL.".to_owned()
            });
            return;
        }
        if let Some(id) = reference.strip_prefix('#') {
            // '#' alone is the containing resource (references.html#contained).
            if !id.is_empty() && !self.contained.contains(id) {
                self.fault(ErrorCode::Invariant, place, || {
                    format!("ref-1: no contained resource has the id '{id}'.")
                });
            }
            return;
        }
        let Some(target) = self.relative_type(reference) else { return };
        let any = type_.targets.is_empty() || type_.targets.contains(&"Resource");
        if !any && !type_.targets.contains(&target) {
            self.fault(ErrorCode::InvalidValue, place, || {
                format!("{target} is not a type this may refer to; it may be {}.", type_.targets.join(", "))
            });
        }
    }

    /// The resource type of a relative reference `Type/id`; `None` for every other form.
    fn relative_type(&self, reference: &str) -> Option<&'d str> {
        let (name, id) = reference.split_once('/')?;
        let type_ = self.definitions.type_id(name).filter(|_| !id.is_empty())?;
        Some(self.definitions.type_name(type_))
    }
}
