//! Conversations with the assistant, over live connections.

use futures_util::future::join_all;
use serde_json::json;

use crate::both_engines;
use crate::support::SocketIo;

both_engines! {
    async fn who_names_no_conversation_gets_their_own_and_always_the_same(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let mut sockets = join_all([ana.live(), ana.live(), ana.live()]).await;
        let asked = sockets.iter_mut().map(|socket| socket.ack(json!({"type": "join_chat"})));
        let rooms: Vec<_> = join_all(asked).await.iter().map(|ack| ack["room"].clone()).collect();
        assert!(rooms.iter().all(|room| room == &rooms[0]), "{rooms:?}");
        let id = rooms[0].as_str().unwrap().strip_prefix("conversation:").unwrap();
        let mut older = SocketIo::connect(app.address, ana.token().unwrap()).await;
        let joined = older.emit("join_chat", json!({})).await;
        assert_eq!((&joined["ok"], &joined["conversation_id"]), (&json!(true), &json!(id)));
        assert_eq!(older.emit("join_chat", json!({"conversation_id": id, "since": 0})).await["recovered"], true);
        assert_eq!(ana.get(&format!("/conversations/{id}")).await.ok()["id"], id);
        let mut bens = ben.live().await;
        let others = bens.request(json!({"type": "join_chat", "conversation_id": id})).await;
        assert_eq!(others["code"], "forbidden");
        let none = json!({"type": "join_chat", "conversation_id": "01890a5d-ac96-774b-bcce-b302099a8057"});
        assert_eq!(bens.request(none).await["code"], "not_found");
        assert_eq!(bens.request(json!({"type": "join_chat", "conversation_id": 7})).await["code"], "invalid");
    }
}
