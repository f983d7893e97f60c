//! The operations and publications of every adapter, with inputs that pass their own checks: a
//! conversation that ends before a request shows nothing.

use bailee_core::{Locale, Timestamp};
use bailee_providers::{
    Publish, airtable, anthropic, asana, clickup, github, google, hubspot, instagram, jira,
    linkedin, microsoft, slack, supabase, tiktok, x, zoom,
};
use serde_json::{Value, json};

use crate::conversation::Conversation;

const FROM: Timestamp = Timestamp::from_seconds(1_748_779_200);
const UNTIL: Timestamp = Timestamp::from_seconds(1_748_865_600);

/// Every operation of an adapter.
pub(crate) fn all(adapter: &str, talk: &mut Conversation<'_>) {
    match adapter {
        "airtable" => {
            talk.paged(&airtable::ListBases::new());
            talk.paged(&airtable::ListRecords::<Value>::new("appFAKE", "tblFAKE").field("Name"));
            let create = airtable::CreateRecords::new("appFAKE", "tblFAKE");
            let record = json!({"Name": "x"});
            talk.bare(&create.record(&record).expect("an object is a record"));
        }
        "anthropic" => {
            talk.paged(&anthropic::ListModels::new());
            let mut fields = bailee_providers::Fields::new();
            fields.insert("title".into(), json!("The harbour"));
            talk.fields(&anthropic::WriteCaption::new(Locale::default()), &fields);
        }
        "asana" => {
            talk.paged(&asana::ListWorkspaces::new());
            talk.paged(&asana::ListProjects::new("1"));
            let place = asana::Container::Workspace("1".into());
            talk.operation(&asana::CreateTask::new(place, "A task"));
        }
        "clickup" => {
            talk.operation(&clickup::ListWorkspaces);
            talk.operation(&clickup::ListSpaces::new("1"));
            talk.operation(&clickup::ListLists::new("1"));
            talk.operation(&clickup::CreateTask::new("1", "A task"));
        }
        "github" => {
            for access in [github::Access::All, github::Access::App, github::Access::Public] {
                talk.operation(&github::CreateIssue::new(access, "owner", "repo", "A title"));
                talk.paged(&github::ListRepositories::new(access));
            }
        }
        "google" => {
            talk.paged(&google::ListEvents::between(FROM, UNTIL));
            talk.paged(&google::ListFiles::new());
            let to = google::Mailbox::new("ada@example.test").expect("an address");
            talk.operation(&google::SendMail::new("Subject", "Text").to(to));
            talk.download(&google::DownloadFile::new("fake-file"));
            talk.download(&google::ExportDocument::new("fake-file", google::ExportFormat::Pdf));
        }
        "hubspot" => {
            talk.operation(&hubspot::CreateContact::new("ada@example.test"));
            talk.paged(&hubspot::ListOwners::new());
        }
        "instagram" => {
            talk.operation(&instagram::PublishingLimit);
            talk.operation(&instagram::ReadPost::new("17"));
        }
        "jira" => {
            let place = "fake-place-1";
            talk.operation(&jira::ListSites);
            talk.paged(&jira::SearchIssues::new("project = A").at(place).with_changelog());
            talk.operation(&jira::CountIssues::new("project = A").at(place));
            talk.bare(&jira::ListFields::new().at(place));
            let issue = jira::GetIssue::new("A-1").at(place).with_changelog();
            if let Some(issue) = talk.operation(&issue) {
                without_people(&Value::Object(issue.fields));
                without_people(&issue.changelog.unwrap_or_default());
            }
            let list = jira::ListAttachments::new("A-1").at(place);
            for attachment in talk.operation(&list).unwrap_or_default().iter().take(3) {
                talk.download(&jira::DownloadAttachment::of(attachment).at(place));
            }
            talk.download(&jira::DownloadAttachment::new("10000").at(place));
        }
        "linkedin" => {
            talk.operation(&linkedin::ReadProfile);
            talk.bare(&linkedin::CreatePost::new("A post", linkedin::Visibility::Public));
            talk.bare(&linkedin::DeletePost::new("urn:li:share:1"));
        }
        "microsoft" => {
            talk.paged(&microsoft::ListEvents::between(FROM, UNTIL));
            talk.operation(&microsoft::SendMail::new("Subject", "Text").to("ada@example.test"));
            let bytes = b"text".as_slice();
            talk.operation(&microsoft::UploadFile::new("a.txt", "text/plain", bytes));
        }
        "slack" => {
            talk.operation(&slack::PostMessage::new("C0FAKE", "Text"));
            talk.paged(&slack::ListChannels::new());
        }
        "supabase" => {
            talk.operation(&supabase::ListOrganizations);
            talk.operation(&supabase::ListProjects);
        }
        "tiktok" => {
            talk.operation(&tiktok::CreatorInfo);
            talk.operation(&tiktok::PublishStatus::new("v_pub_fake"));
        }
        "x" => {
            talk.operation(&x::ReadProfile);
            talk.operation(&x::CreatePost::new("A post"));
            talk.operation(&x::DeletePost::new("17"));
        }
        "zoom" => {
            talk.operation(&zoom::CreateMeeting::new("A topic", zoom::MeetingStart::Now));
            talk.paged(&zoom::ListMeetings::new());
        }
        _ => {}
    }
    publications(adapter, &mut |publication| talk.publish(publication));
}

/// Every publication of an adapter.
pub(crate) fn publications(adapter: &str, each: &mut dyn FnMut(&dyn Publish)) {
    match adapter {
        "google" => {
            let file = google::UploadFile::new("a.bin", 1 << 20, "text/plain").file_digest([7; 32]);
            each(&file.part_size(256 * 1024));
        }
        "instagram" => {
            let photo = "https://media.example.test/a.jpg";
            let video = "https://media.example.test/a.mp4";
            each(&instagram::PublishPhoto::new(photo).caption("A caption"));
            each(&instagram::PublishReel::new(video));
            each(&instagram::PublishCarousel::new([
                instagram::CarouselItem::photo(photo),
                instagram::CarouselItem::video(video),
            ]));
        }
        "tiktok" => {
            let level = tiktok::PrivacyLevel::SelfOnly;
            let address = "https://media.example.test/a.mp4";
            each(&tiktok::PublishVideo::from_url(address).privacy(level));
            let file = tiktok::PublishVideo::from_file(12 << 20, "video/mp4");
            each(&file.file_digest([7; 32]).privacy(level).chunk_size(5 << 20));
        }
        _ => {}
    }
}

/// Nothing that says who somebody is comes out of an issue.
fn without_people(value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let person = ["accountId", "emailAddress", "displayName", "avatarUrls"];
                assert!(!person.contains(&name.as_str()), "an issue names a person by `{name}`");
                without_people(value);
            }
        }
        Value::Array(items) => items.iter().for_each(without_people),
        _ => {}
    }
}
