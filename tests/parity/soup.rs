//! Documents as people keep them in secrets, and paths of pieces in any order. Nothing was tuned on these.

use crate::random::Random;

const DOCUMENTS: &[&str] = &[
    r#"{"username":"admin","password":"p@ss|w*rd#1","host":"db.example.com","port":5432,"ssl":true,"ratio":0.250,"db.name":"main","tags":["a","b",null]}"#,
    r#"{"name":{"first":"Tom","last":"Anderson"},"age":37,"children":["Sara","Alex","Jack"],"fav.movie":"Deer Hunter","friends":[{"first":"Dale","last":"Murphy","age":44,"nets":["ig","fb","tw"]},{"first":"Roger","last":"Craig","age":68,"nets":["fb","tw"]},{"first":"Jane","last":"Murphy","age":47,"nets":["ig","tw"]}]}"#,
    "{\n  \"accounts\": {\n    \"123456789012\": {\"role\": \"admin\", \"@type\": \"aws\"},\n    \"prod\": {\"keys\": [{\"id\": 1, \"v\": \"x\"}, {\"id\": 2.0, \"v\": \"y\"}]}\n  },\n  \"nested\": \"{\\\"a\\\":{\\\"b\\\":[1,2,3]}}\"\n}\n",
    "{\"a\":1,\"b\":[1,2.50,\"x\"]}\n{\"a\":2,\"b\":[]}\n{\"a\":\"3\"}\n[4,5]\n",
    r#"[{"k":"v1","n":1e3,"ok":false},{"k":"v2","n":-0.5,"ok":null},{"k":"v3"},[1,[2,[3,[4]]]],"s",7]"#,
    r#"-----BEGIN KEY----- {"note":"text before","x":{"y":{"z":[{"w":"deep"}]}}} trailing"#,
    r#"{"id":[1,2,3],"val":["x","y"],"ünïcödé":"é\u00e9","empty":{},"none":[],"dup":1,"dup":2,"big":123456789012345678901234567890}"#,
    "plain text, no brackets",
    "postgres://user:pass@host:5432/db?sslmode=require",
    "",
];

const PIECES: &[&str] = &[
    "username",
    "password",
    "port",
    "ratio",
    "ssl",
    "tags",
    "db.name",
    r"db\.name",
    "name",
    "first",
    "last",
    "age",
    "children",
    "friends",
    "nets",
    "fav\\.movie",
    "accounts",
    "123456789012",
    "role",
    "@type",
    "prod",
    "keys",
    "id",
    "v",
    "nested",
    "a",
    "b",
    "k",
    "n",
    "ok",
    "x",
    "y",
    "z",
    "w",
    "val",
    "dup",
    "big",
    "empty",
    "none",
    "0",
    "1",
    "2",
    "9",
    "#",
    "*",
    "na*",
    "?",
    "*a*",
    "#(last=\"Murphy\")",
    "#(age>45)#",
    "#(first%\"D*\")",
    "#(nets.#(==\"fb\"))#",
    "#(k!=\"v1\")",
    "#(ok==~false)#",
    "#(ok==~null)#",
    "#(id==2)",
    "#(>2)#",
    "#(n<=0)",
    "#(first!%\"*e\")#",
    "@this",
    "@reverse",
    "@keys",
    "@values",
    "@flatten",
    "@ugly",
    "@valid",
    "@pretty",
    "@join",
    "@tostr",
    "@fromstr",
    "@group",
    "@dig:k",
    "@dig:w",
    "{username,port}",
    "[a,b]",
    "{first,\"years\":age}",
    "[0,#]",
    "!\"lit\"",
    "!true",
    "..#",
    "..0",
    "..#.a",
    "@flatten:{\"deep\":true}",
    "@nope",
    "\\@this",
    "ünïcödé",
    "",
    "a?e",
    "#[age<50]#",
    "{age,\"z\":!5}",
];

pub(crate) fn document(random: &mut Random) -> Vec<u8> {
    let mut bytes = random.of(DOCUMENTS).as_bytes().to_vec();
    if random.once_in(8) && !bytes.is_empty() {
        let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
        match random.below(3) {
            0 => bytes.swap(from, to),
            1 => bytes.truncate(to),
            _ => _ = bytes.drain(from.min(to)..from.max(to).min(from.min(to) + 3)),
        }
    }
    bytes
}

pub(crate) fn path(random: &mut Random) -> String {
    let count = 1 + random.below(5);
    let mut path = String::new();
    for index in 0..count {
        if index > 0 {
            path.push_str(random.of(&[".", ".", ".", ".", "|", "|", ""]));
        }
        path.push_str(random.of(PIECES));
    }
    path
}
