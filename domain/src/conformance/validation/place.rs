//! Where in a resource the check stands; becomes a FHIRPath only when there is a fault to report.

use std::fmt::Write as _;

/// A place: steps that point back to the root, on the stack of the walk.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    name: &'p str,
    index: Option<usize>,
}

impl<'p> Place<'p> {
    /// The resource itself, by its type.
    pub(super) const fn root(name: &'p str) -> Place<'p> {
        Place { parent: None, name, index: None }
    }

    /// The member `name` of what stands here.
    pub(super) const fn member<'c>(&'c self, name: &'c str) -> Place<'c> {
        Place { parent: Some(self), name, index: None }
    }

    /// The occurrence `index` of this repeating member.
    pub(super) const fn item(self, index: usize) -> Place<'p> {
        Place { index: Some(index), ..self }
    }

    /// `Patient.name[0].given[1]`
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        self.write(&mut path);
        path
    }

    fn write(&self, path: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(path);
            path.push('.');
        }
        path.push_str(self.name);
        if let Some(index) = self.index {
            // Writing to a String cannot fail.
            let _ = write!(path, "[{index}]");
        }
    }
}
