use actix_web::test::TestRequest;

use super::*;

fn token(uri: &str, headers: &[(&str, &str)]) -> Option<String> {
    let request = headers
        .iter()
        .fold(TestRequest::with_uri(uri), |request, header| request.append_header(*header))
        .to_http_request();
    offered_token(request.uri(), request.headers()).map(|token| token.expose().clone())
}

#[test]
fn a_token_is_looked_for_in_the_contracted_order() {
    let query = "/ws?x=1&token=in%2Equery";
    let authorization = ("Authorization", "bearer  in.header ");
    let protocols = ("Sec-WebSocket-Protocol", "chat, bearer,in.protocol");
    assert_eq!(token(query, &[authorization, protocols]).unwrap(), "in.query");
    assert_eq!(token("/ws?token=", &[protocols, authorization]).unwrap(), "in.header");
    assert_eq!(token("/ws", &[protocols]).unwrap(), "in.protocol");
    let two_lines = [("Sec-WebSocket-Protocol", "bearer"), ("Sec-WebSocket-Protocol", "in.protocol")];
    assert_eq!(token("/ws", &two_lines).unwrap(), "in.protocol");
}

#[test]
fn what_is_no_token_is_none() {
    assert_eq!(token("/ws", &[]), None);
    assert_eq!(token("/ws?tokens=a", &[("Authorization", "Basic dTpw")]), None);
    assert_eq!(token("/ws", &[("Authorization", "Bearer")]), None);
    assert_eq!(token("/ws", &[("Sec-WebSocket-Protocol", "chat, a.b.c")]), None);
    assert_eq!(token("/ws", &[("Sec-WebSocket-Protocol", "bearer")]), None);
}
