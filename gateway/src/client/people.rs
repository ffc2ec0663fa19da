//! The directory of people: for operators, and for heads as far as their participant goes.

use http::{Method, StatusCode};
use schemas::directory::{
    GrantOutcome, ImportOutcome, ImportRequest, ImportUndone, PeoplePage, PersonEntry, PersonRegistration, RoleGrant,
};
use schemas::{AssignmentId, Edrpou, ImportId, PersonId};
use serde::Serialize;

use super::{ANSWER_BYTES, Client, ClientError, TRANSFER_TIMEOUT, expect};

/// Which page.
#[derive(Serialize)]
struct Page {
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<PersonId>,
}

impl Client {
    /// One page of everybody who is or was in the directory.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn people(&self, after: Option<PersonId>) -> Result<PeoplePage, ClientError> {
        self.find("/v1/people", &Page { after }).await
    }

    /// One page of the people who have a role within a participant.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn people_of(&self, participant: Edrpou, after: Option<PersonId>) -> Result<PeoplePage, ClientError> {
        self.find(&format!("/v1/participants/{participant}/people"), &Page { after }).await
    }

    /// Enters a person into the directory.
    ///
    /// # Errors
    /// [`ClientError`]; `person.number_wrong`, `person.already_registered`, `person.numbers_of_two`.
    pub async fn register_person(&self, registration: &PersonRegistration) -> Result<PersonEntry, ClientError> {
        let answer = self.send(self.with_json(Method::POST, "/v1/people", registration)?, ANSWER_BYTES).await?;
        expect(answer, StatusCode::CREATED)?.json()
    }

    /// Takes a person out of it, and all their roles back.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn remove_person(&self, person: PersonId) -> Result<(), ClientError> {
        let answer = self.send(self.request(Method::DELETE, &format!("/v1/people/{person}")), ANSWER_BYTES).await?;
        expect(answer, StatusCode::NO_CONTENT).map(drop)
    }

    /// Entrusts a person with a role, or proposes it.
    ///
    /// # Errors
    /// [`ClientError`]; codes of `role.*`, `proposal.same_operator`.
    pub async fn grant_role(&self, person: PersonId, grant: &RoleGrant) -> Result<GrantOutcome, ClientError> {
        let request = self.with_json(Method::POST, &format!("/v1/people/{person}/roles"), grant)?;
        let answer = self.send(request, ANSWER_BYTES).await?;
        let expected = if answer.status == StatusCode::ACCEPTED { StatusCode::ACCEPTED } else { StatusCode::CREATED };
        expect(answer, expected)?.json()
    }

    /// Takes a role back.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn revoke_role(&self, person: PersonId, assignment: AssignmentId) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("/v1/people/{person}/roles/{assignment}"));
        expect(self.send(request, ANSWER_BYTES).await?, StatusCode::NO_CONTENT).map(drop)
    }

    /// Enters participants, people and roles in bulk, proposes it, or says what would be entered.
    ///
    /// # Errors
    /// [`ClientError`]; `import.rows_refused`, `proposal.same_operator`.
    pub async fn import_directory(&self, request: &ImportRequest) -> Result<ImportOutcome, ClientError> {
        let request = self.with_json(Method::POST, "/v1/directory/import", request)?.timeout(TRANSFER_TIMEOUT);
        let answer = self.send(request, ANSWER_BYTES).await?;
        let expected = match answer.status {
            status @ (StatusCode::OK | StatusCode::ACCEPTED) => status,
            _ => StatusCode::CREATED,
        };
        expect(answer, expected)?.json()
    }

    /// Takes back what an import entered.
    ///
    /// # Errors
    /// [`ClientError`]; `import.already_undone`.
    pub async fn undo_import(&self, import: ImportId) -> Result<ImportUndone, ClientError> {
        let request = self.request(Method::POST, &format!("/v1/directory/import/{import}/undo"));
        expect(self.send(request.timeout(TRANSFER_TIMEOUT), ANSWER_BYTES).await?, StatusCode::OK)?.json()
    }
}
