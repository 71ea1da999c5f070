//! Resource types as the database numbers them: interned once, when the store opens.

use crate::connection::Connection;
use crate::statement::Statement;
use domain::Error;
use domain::conformance::{Definitions, TypeId};
use std::collections::HashMap;

/// The numbers of resource types, both ways.
pub(crate) struct Types {
    numbers: HashMap<TypeId, i64>,
    types: HashMap<i64, TypeId>,
}

impl Types {
    /// Reads the numbers, giving one to every type that has none yet, in a transaction of its own.
    pub(crate) fn intern(connection: &mut Connection) -> Result<Types, Error> {
        connection.command(connection.dialect().begin_write())?;
        let interned = intern_all(connection);
        connection.command(if interned.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        interned
    }

    /// The number of a type.
    pub(crate) fn number(&self, type_: TypeId) -> i64 {
        self.numbers.get(&type_).copied().unwrap_or(0)
    }

    /// The type of a number.
    pub(crate) fn type_(&self, number: i64) -> Result<TypeId, Error> {
        self.types
            .get(&number)
            .copied()
            .ok_or_else(|| Error::internal("a stored resource has an unknown type"))
    }
}

fn intern_all(connection: &mut Connection) -> Result<Types, Error> {
    let definitions = Definitions::r4();
    let stored = connection.names(&Statement::new("SELECT id, name FROM resource_type"))?;
    let mut next = stored.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let known: HashMap<&str, i64> = stored.iter().map(|(number, name)| (name.as_str(), *number)).collect();
    let mut types = Types { numbers: HashMap::new(), types: HashMap::new() };
    for type_ in definitions.endpoints() {
        let name = definitions.type_name(type_);
        let number = match known.get(name) {
            Some(number) => *number,
            None => {
                next += 1;
                let mut insert = Statement::new("INSERT INTO resource_type (id, name) VALUES (");
                insert.integer(next).sql(", ").text(name).sql(") ON CONFLICT DO NOTHING");
                connection.execute(&insert)?;
                next
            }
        };
        types.numbers.insert(type_, number);
        types.types.insert(number, type_);
    }
    Ok(types)
}
