//! Statements that outlive the tenant or the caller for whom they began.

use crate::{
    generate::Generator,
    program::Step,
    worlds::{ACME, GLOBEX},
};

impl Generator<'_> {
    /// A cursor that is opened in one tenant and read in another, or that outlives the setting.
    pub(crate) fn cursor(&mut self) -> Vec<Step> {
        let question = self.question();
        let turn = self.turn();
        let kind = ["CURSOR", "SCROLL CURSOR", "CURSOR WITH HOLD"];
        let kind = self.dice.pick(&kind);
        let mut steps = vec![Step::Ask(format!("DECLARE c {kind} FOR {question}"))];
        if self.dice.once_in(2) {
            steps.push(Step::Ask("FETCH ALL FROM c".into()));
        }
        steps.push(Step::Ask(turn.to_owned()));
        let end = [
            "FETCH ALL FROM c",
            "MOVE ALL FROM c",
            "SELECT cursor_to_xml('c', 999, true, false, '')",
        ];
        steps.push(Step::Ask(self.dice.pick(&end).to_owned()));
        steps
    }

    /// A statement that is prepared in one tenant and executed in another, with one plan for all
    /// values or with one for each.
    pub(crate) fn prepared(&mut self) -> Vec<Step> {
        let table = self.any_table();
        let (column, of) = self.column(table).clone();
        let (name, all) = (&table.name, self.single(table, 1));
        let plan = ["force_generic_plan", "force_custom_plan", "auto"];
        let plan = format!("SET LOCAL plan_cache_mode = {}", self.dice.pick(&plan));
        let condition = self.condition(table, 1);
        let prepare = format!(
            "PREPARE p (text) AS SELECT {all} FROM bailee.{name} a \
             WHERE (a.{column}::text = $1 OR $1 IS NULL) AND {condition}"
        );
        let mut steps = vec![Step::Ask(plan), Step::Ask(prepare)];
        for _ in 0..2 {
            let value = if self.dice.once_in(2) { "NULL".into() } else { self.value(of) };
            steps.push(Step::Ask(format!("EXECUTE p (({value})::text)")));
            steps.push(Step::Ask(self.turn().to_owned()));
        }
        steps.push(Step::Ask("EXECUTE p (NULL)".into()));
        steps
    }

    /// A change of the row at which a cursor stands, whose tenant may have been left.
    pub(crate) fn at_a_cursor(&mut self) -> Vec<Step> {
        let table = self.changeable();
        let (column, of) = self.column(table).clone();
        let (name, value) = (&table.name, self.value(of));
        let condition = self.condition(table, 1);
        let lock = self.dice.pick(&["", " FOR UPDATE", " FOR KEY SHARE"]);
        let mut steps = vec![Step::Ask(format!(
            "DECLARE c CURSOR FOR SELECT * FROM bailee.{name} a WHERE {condition}{lock}"
        ))];
        steps.push(Step::Ask("FETCH ALL FROM c".into()));
        steps.push(Step::Ask("MOVE PRIOR FROM c".into()));
        if self.dice.once_in(2) {
            steps.push(Step::Ask(self.turn().to_owned()));
        }
        steps.push(Step::Ask(match self.dice.below(3) {
            0 => format!("DELETE FROM bailee.{name} WHERE CURRENT OF c"),
            1 => format!(
                "UPDATE bailee.{name} SET {column} = {value} WHERE CURRENT OF c RETURNING *"
            ),
            _ => format!("UPDATE bailee.{name} SET tenant = 'globex' WHERE CURRENT OF c"),
        }));
        steps
    }

    /// What another caller may have left in the session, asked for in this one.
    pub(crate) fn of_others(&mut self) -> Vec<Step> {
        let what = [
            "EXECUTE other",
            "FETCH ALL FROM early",
            "SELECT pg_temp.other()",
            "TABLE bailee.record",
            "SELECT count(*) FROM bailee.audit",
            "SELECT current_setting('bailee.tenant', true) IN ('globex', 'Globex')",
        ];
        let what = self.dice.pick(&what);
        if what == "SELECT pg_temp.other()" {
            // It enters the tenant by itself.
            self.entered.insert(GLOBEX);
        }
        vec![Step::Ask(what.to_owned())]
    }

    /// Enters a tenant, or none, or stays.
    fn turn(&mut self) -> &'static str {
        match self.dice.below(4) {
            0 => {
                self.entered.insert(GLOBEX);
                "SELECT set_config('bailee.tenant', 'globex', true)"
            }
            1 => "SELECT set_config('bailee.tenant', '', true)",
            2 => {
                self.entered.insert(ACME);
                "SET LOCAL bailee.tenant = 'acme'"
            }
            _ => "SELECT 1",
        }
    }
}
