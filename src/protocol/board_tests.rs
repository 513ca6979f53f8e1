//! Commands about boards, and what is told of boards, as literal text in both dialects.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::*;
use crate::ids::{Room, UserId};
use crate::protocol::{
    AckBody, BoardAnswer, BoardClient, Command, Correlation, Dialect, Namespace, Notice, TaskFocus, decode,
    encode,
};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const AT: &str = "2023-11-14T22:13:20.000000Z";

fn at() -> Timestamp {
    Timestamp::from_seconds(1_700_000_000).unwrap()
}

/// What both dialects read from the fields of this command, `ID` in the place of each `ID`.
fn read_both(name: &str, fields: &str) -> OnProject {
    let fields = fields.replace("ID", ID);
    let json = format!(r#"{{"type":"{name}"{}{fields}}}"#, if fields.is_empty() { "" } else { "," });
    let of_json = decode(Dialect::Json, &json).expect(&json).command;
    let event = format!(r#"7["{name}",{{{fields}}}]"#);
    let of_event = decode(Dialect::SocketIo(Namespace::Main), &event).expect(&event).command;
    assert_eq!(of_json, of_event);
    assert_eq!(of_json.name(), name);
    let Command::Board(on_project) = of_json else { panic!("{json}") };
    *on_project
}

fn refusal(json: &str) -> String {
    let wrong = decode(Dialect::Json, &json.replace("ID", ID)).expect_err(json);
    assert_eq!(wrong.code, ErrorCode::Invalid);
    wrong.message
}

/// The notice in both dialects, without frame headers.
fn written(notice: &Notice) -> [String; 2] {
    [Dialect::Json, Dialect::SocketIo(Namespace::Main)].map(|dialect| {
        let frame = encode(dialect, notice);
        let begin = frame.iter().position(|byte| *byte == b'{' || *byte == b'4').unwrap();
        String::from_utf8_lossy(&frame[begin..]).into_owned()
    })
}

#[test]
fn each_command_is_read_alike_in_both_dialects() {
    let id = |text: &str| text.parse().unwrap();
    let task_id: TaskId = ID.parse().unwrap();
    let column_id: ColumnId = ID.parse().unwrap();
    let (user_id, invitation_id): (UserId, InvitationId) = (id(ID), ID.parse().unwrap());
    let text = |text: &str| Some(text.to_owned());
    let content = TaskContent {
        title: text("Tiles"),
        text: text("White"),
        assignee_id: Some(Some(user_id)),
        due_at: Some(Some(at())),
        labels: Some(vec!["wet".to_owned()]),
        checklist: Some(vec![Item { text: "Buy".to_owned(), done: true }]),
    };
    use BoardCommand as To;
    let cases = [
        ("board", "", To::Read(ReadBoard { after: None })),
        ("board", r#""after":"ID""#, To::Read(ReadBoard { after: Some(task_id) })),
        ("task.list", "", To::ListTasks(ReadPage { before: None })),
        (
            "comment.list",
            r#""task_id":"ID","before":"ID""#,
            To::ListComments(ReadComments { task_id, before: ID.parse().ok() }),
        ),
        (
            "invitation.list",
            r#""before":"ID""#,
            To::ListInvitations(ReadPage { before: Some(invitation_id) }),
        ),
        (
            "task.create",
            r#""title":"Tiles","text":"White","assignee_id":"ID","due_at":"2023-11-14T22:13:20Z","labels":["wet"],"checklist":[{"text":"Buy","done":true}],"column_id":"ID","after":null"#,
            To::CreateTask(CreateTask { column_id: Some(column_id), after: Some(None) }, content),
        ),
        (
            "task.update",
            r#""task_id":"ID","version":3,"assignee_id":null,"newer":[1]"#,
            To::UpdateTask(
                UpdateTask { task_id, version: 3 },
                TaskContent { assignee_id: Some(None), ..TaskContent::default() },
            ),
        ),
        (
            "task.move",
            r#""task_id":"ID","version":3,"column_id":"ID""#,
            To::MoveTask(MoveTask { task_id, version: 3, column_id, after: None }),
        ),
        (
            "task.move",
            r#""task_id":"ID","version":3,"column_id":"ID","after":"ID""#,
            To::MoveTask(MoveTask { task_id, version: 3, column_id, after: Some(Some(task_id)) }),
        ),
        ("task.archive", r#""task_id":"ID","version":3"#, To::ArchiveTask(SeenTask { task_id, version: 3 })),
        ("task.restore", r#""task_id":"ID","version":3"#, To::RestoreTask(SeenTask { task_id, version: 3 })),
        (
            "column.create",
            r#""name":"Waiting","wip_limit":3"#,
            To::CreateColumn(CreateColumn { name: "Waiting".to_owned(), wip_limit: Some(3), after: None }),
        ),
        (
            "column.update",
            r#""column_id":"ID","version":1,"wip_limit":null"#,
            To::UpdateColumn(UpdateColumn { column_id, version: 1, name: None, wip_limit: Some(None) }),
        ),
        (
            "column.move",
            r#""column_id":"ID","version":1,"after":null"#,
            To::MoveColumn(MoveColumn { column_id, version: 1, after: Some(None) }),
        ),
        (
            "column.delete",
            r#""column_id":"ID","version":1,"to_column_id":"ID""#,
            To::DeleteColumn(DeleteColumn { column_id, version: 1, to_column_id: Some(column_id) }),
        ),
        (
            "comment.add",
            r#""task_id":"ID","text":"Why?""#,
            To::AddComment(AddComment { task_id, text: "Why?".to_owned() }),
        ),
        (
            "member.set",
            r#""user_id":"ID","role":"editor""#,
            To::SetMember(SetMember { user_id, role: "editor".to_owned() }),
        ),
        ("member.remove", r#""user_id":"ID""#, To::RemoveMember(RemoveMember { user_id })),
        (
            "invitation.create",
            r#""role":"viewer","expires_in":60"#,
            To::CreateInvitation(CreateInvitation {
                user_id: None,
                role: "viewer".to_owned(),
                expires_in: Some(60),
            }),
        ),
        (
            "invitation.revoke",
            r#""invitation_id":"ID""#,
            To::RevokeInvitation(OneInvitation { invitation_id }),
        ),
        (
            "invitation.accept",
            r#""secret":"s""#,
            To::AcceptInvitation(AcceptInvitation { invitation_id: None, secret: text("s") }),
        ),
        (
            "invitation.decline",
            r#""invitation_id":"ID""#,
            To::DeclineInvitation(OneInvitation { invitation_id }),
        ),
        (
            "focus",
            r#""task_id":"ID","editing":true"#,
            To::Focus(Focus { task_id: Some(task_id), editing: true }),
        ),
        ("focus", r#""task_id":null"#, To::Focus(Focus { task_id: None, editing: false })),
    ];
    for (name, fields, expected) in cases {
        let read = read_both(name, fields);
        assert_eq!((read.project, read.client_msg_id), (None, None));
        assert!(read.command == expected, "{name} {fields}");
        assert_eq!(format!("{expected:?}"), name, "nothing of what it holds gets into a log");
    }
    let read =
        read_both("task.archive", r#""task_id":"ID","version":1,"project_id":"ID","client_msg_id":"m-1""#);
    assert_eq!((read.project, read.client_msg_id), (ID.parse().ok(), text("m-1")));
}

#[test]
fn what_is_wrong_is_said() {
    let cases = [
        (r#"{"type":"task.move","task_id":"ID","column_id":"ID"}"#, "missing field `version`"),
        (r#"{"type":"task.move","task_id":"7","version":1,"column_id":"ID"}"#, "`task_id` must be a UUID"),
        (r#"{"type":"task.create","title":{"secret":1}}"#, "`title` is not of the right type"),
        (
            r#"{"type":"task.create","title":"x","checklist":[{"text":7}]}"#,
            "`checklist[0].text` is not of the right type",
        ),
        (r#"{"type":"task.create","title":"x","project_id":"y"}"#, "`project_id` must be a UUID"),
        (
            r#"{"type":"task.create","title":"x","due_at":"soon"}"#,
            "`due_at` must be an RFC 3339 time such as 2026-05-01T09:30:00Z",
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(refusal(json), expected, "{json}");
    }
}

#[test]
fn answers_and_notices_are_told_as_contracted() {
    let id = Correlation::number(7);
    let value: Arc<RawValue> = RawValue::from_string(r#"{"id":"t","version":2}"#.to_owned()).unwrap().into();
    let focus = TaskFocus {
        by: ID.parse().unwrap(),
        session_id: ID.parse().unwrap(),
        client_id: Some("tab".into()),
        task_id: ID.parse().ok(),
        editing: true,
        at: at(),
    };
    let looks = format!(
        r#""by":"{ID}","session_id":"{ID}","client_id":"tab","task_id":"{ID}","editing":true,"at":"{AT}""#
    );
    let client = BoardClient {
        client_id: "tab".into(),
        user_id: ID.parse().unwrap(),
        user_email: "ana@example.test".into(),
        project_id: ID.parse().unwrap(),
        timestamp: at(),
        active_clients: 2,
    };
    let came = format!(
        r#""client_id":"tab","user_id":"{ID}","user_email":"ana@example.test","project_id":"{ID}","timestamp":"{AT}","active_clients":2"#
    );
    let cases = [
        (
            Notice::Ack {
                id: id.clone(),
                body: AckBody::Board(BoardAnswer { name: "task".into(), value: value.clone() }),
            },
            r#"{"type":"ack","id":7,"task":{"id":"t","version":2}}"#.to_owned(),
            r#"437[{"ok":true,"task":{"id":"t","version":2}}]"#.to_owned(),
        ),
        (
            Notice::Ack {
                id: id.clone(),
                body: AckBody::Presence { members: Vec::new(), focus: vec![focus.clone()] },
            },
            format!(r#"{{"type":"ack","id":7,"members":[],"focus":[{{{looks}}}]}}"#),
            format!(r#"437[{{"ok":true,"members":[],"focus":[{{{looks}}}]}}]"#),
        ),
        (
            Notice::Focus { room: Room::Project(ID.parse().unwrap()), focus },
            format!(r#"{{"type":"focus","room":"project:{ID}",{looks}}}"#),
            format!(r#"42["focus",{{"room":"project:{ID}",{looks}}}]"#),
        ),
        (
            Notice::ClientJoined(client.clone()),
            format!(r#"{{"type":"client_joined",{came}}}"#),
            format!(r#"42["client_joined",{{{came}}}]"#),
        ),
        (
            Notice::ClientLeft(client),
            format!(r#"{{"type":"client_left",{came}}}"#),
            format!(r#"42["client_left",{{{came}}}]"#),
        ),
        (
            Notice::Conflict {
                id: None,
                code: ErrorCode::Conflict,
                message: "changed".into(),
                current: value.clone(),
            },
            r#"{"type":"error","code":"conflict","message":"changed","current":{"id":"t","version":2}}"#
                .to_owned(),
            r#"42["error",{"code":"conflict","message":"changed","current":{"id":"t","version":2}}]"#
                .to_owned(),
        ),
    ];
    for (notice, json, socketio) in cases {
        assert_eq!(written(&notice), [json, socketio]);
    }
}
