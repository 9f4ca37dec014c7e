//! JSON that a relay easily spoils.

/// Objects, each in one line. None of them is what a library would write by itself.
pub(crate) fn in_one_line() -> Vec<String> {
    let mut all: Vec<String> = [
        // How numbers are spelled.
        r#"{"b":1.0,"a":1,"e":1e5,"E":1E+05,"z":-0,"f":-0.0,"tiny":1e-400,"vast":1e999,"dec":0.10}"#,
        r#"{"big":12345678901234567890,"bigger":123456789012345678901234567890.00,"min":-9223372036854775809}"#,
        // How letters are spelled.
        r#"{"esc":"\u00e9","raw":"é","upper":"\u00E9","emoji":"👩‍💻","pair":"\ud83d\ude00","slash":"a\/b"}"#,
        r#"{"lone":"\ud800","low":"\udc00x","nul":"\u0000","control":"\u001f\b\f\n\r\t","bom":"\ufeff","line":"\u2028"}"#,
        // Blanks, empty things, and the order and spelling of keys.
        "{ \"a\" :\t[ 1 ,2 ] , \"b\":{ }, \"c\" : [ ]   }",
        r#"{"o":{},"a":[],"n":null,"s":"","t":true,"f":false}"#,
        r#"{"z":1,"\u0061":2,"a\"b":3,"":4,"é":5,"😀":6,"10":7,"9":8}"#,
        r#"{"nested":{"same":1,"same":2,"sa\u006de":3},"list":[{"x":1,"x":1.0}]}"#,
        // What only a later revision could know.
        r#"{"content":[{"type":"hologram","x":1.0,"annotations":{"audience":["system"],"priority":1}},{"text":"t","type":"text","z":null}],"structuredContent":[1.0],"isError":false,"_meta":{"k/v":{"w":1.0}}}"#,
        // What looks like the protocol but is not.
        r#"{"progressToken":1,"requestState":"s","jsonrpc":"1.0","id":5,"method":"x","params":{"cursor":null},"result":{},"error":{}}"#,
    ]
    .map(str::to_owned)
    .to_vec();
    // Deep, but legal: the envelope takes a few of the 128 levels.
    all.push(format!(r#"{{"deep":{}{}}}"#, "[".repeat(100), "]".repeat(100)));
    all
}

/// Objects that hold line breaks between their tokens, as only an HTTP body can.
pub(crate) fn in_many_lines() -> Vec<String> {
    vec![
        "{\n  \"a\": 1.0,\n\n  \"b\": [\n    1e5\n  ]\n}".to_owned(),
        "{\n\t\"e\" : \"\\u00e9\\n\"\n}".to_owned(),
    ]
}
