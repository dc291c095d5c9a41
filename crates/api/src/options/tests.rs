//! What the check of start options promises.

use serde_json::json;

use super::*;

fn form(pairs: &[(&str, &str)]) -> Given {
    Given::from_text(
        pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
    )
    .unwrap()
}

fn json_body(value: Value) -> Given {
    match value {
        Value::Object(fields) => Given::from_json(fields),
        _ => panic!("not an object"),
    }
}

fn check(given: &Given) -> Result<(RtspUrl, Checked), Faults> {
    check_camera(given, &AddressPolicy::new(vec![], vec![], true))
}

fn fields(given: &Given) -> Vec<String> {
    check(given)
        .unwrap_err()
        .errors
        .into_iter()
        .map(|e| e.field)
        .collect()
}

const URL: (&str, &str) = ("rtsp_url", "rtsp://192.168.1.20/live");

#[test]
fn an_address_alone_gets_the_defaults() {
    let (url, checked) = check(&form(&[URL])).unwrap();
    assert_eq!(url.to_string(), "rtsp://192.168.1.20/live");
    assert_eq!(checked.shown, manifest::Options::default());
    assert_eq!(checked.wait, Duration::ZERO);
}

#[test]
fn form_and_json_mean_the_same() {
    let text = form(&[
        URL,
        ("limit", "3"),
        ("fit", "contain"),
        ("duration", "1.5"),
        ("wait", ""),
    ]);
    let typed = json_body(json!({
        "rtsp_url": URL.1, "limit": 3.0, "fit": "contain", "duration": 1.5
    }));
    assert_eq!(
        check(&text).unwrap().1.shown,
        check(&typed).unwrap().1.shown
    );
}

#[test]
fn null_is_no_value_as_the_document_says() {
    for option in START_OPTIONS {
        let mut given = json!({ "rtsp_url": URL.1 });
        given[option.name] = Value::Null;
        let faults = check(&json_body(given)).unwrap_err();
        assert_eq!(faults.errors[0].field, option.name);
    }
}

#[test]
fn every_fault_is_named_at_once() {
    let given = form(&[
        ("rtsp_url", "http://camera/"),
        ("limit", "0"),
        ("width", "x"),
        ("height", "99999"),
        ("fit", "crop"),
        ("best", "loudness"),
        ("duration", "1e-12"),
        ("wait", "31"),
        ("colour", "red"),
    ]);
    let mut names = fields(&given);
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "best", "colour", "duration", "fit", "height", "limit", "rtsp_url", "wait", "width"
        ]
    );
}

#[test]
fn an_address_that_is_none_is_malformed_and_a_range_is_not() {
    for url in [
        "",
        "   ",
        "camera",
        "http://c/",
        "file:///etc/passwd",
        "concat:a|b",
        "rtsp:///x",
    ] {
        assert!(
            check(&form(&[("rtsp_url", url)])).unwrap_err().malformed,
            "{url}"
        );
    }
    assert!(
        check(&json_body(json!({"rtsp_url": 7})))
            .unwrap_err()
            .malformed
    );
    assert!(check(&Given::default()).unwrap_err().malformed);
    assert!(
        !check(&form(&[URL, ("limit", "101")]))
            .unwrap_err()
            .malformed
    );
}

#[test]
fn defaults_may_be_said_aloud() {
    let defaults = form(&[
        URL,
        ("min_gap", "0"),
        ("distinct", "0.0"),
        ("warmup", "0"),
        ("roi", ""),
        ("sampling", "all"),
        ("transport", "tcp"),
    ]);
    assert!(check(&defaults).is_ok());
}

#[test]
fn what_best_means_and_where_is_read_and_shown() {
    for (name, value) in [
        ("best", "sharpness"),
        ("best", "overall"),
        ("best", "sharpness:0.7,brightness:0.3"),
        ("roi", "0,0,0.5,0.5"),
        ("exclude", "0,0,0.5,0.1;0.5,0.9,0.5,0.1"),
        ("sampling", "keyframes"),
        ("sampling", "refined"),
    ] {
        let (_, checked) = check(&form(&[URL, (name, value)])).unwrap();
        let shown = serde_json::to_value(&checked.shown).unwrap();
        assert_eq!(shown[name], value);
    }
    let (_, checked) = check(&form(&[URL, ("min_gap", "2.5"), ("distinct", "0.3")])).unwrap();
    assert!((checked.shown.min_gap - 2.5).abs() < 1e-9);
    assert!((checked.apart.distinct - 0.3).abs() < 1e-9);
}

#[test]
fn what_best_cannot_mean_is_refused_in_the_field_that_says_so() {
    for (name, value, part) in [
        ("best", "sharpness:0", "above 0"),
        ("best", "sharpness,sharpness", "twice"),
        ("best", "overall:2", "one of"),
        ("min_gap", "-1", "from 0"),
        ("distinct", "1.5", "from 0 to 1"),
        ("roi", "0,0,1", "four numbers"),
        ("roi", "0.5,0,0.6,1", "inside"),
        ("exclude", "0,0,1,1", "nothing"),
    ] {
        let faults = check(&form(&[URL, (name, value)])).unwrap_err();
        assert_eq!(faults.errors.len(), 1, "{name}={value}");
        assert_eq!(faults.errors[0].field, name);
        let message = faults.errors[0].message.to_lowercase();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_flag_is_true_or_false_and_a_ticked_box() {
    for (text, persist) in [
        ("true", true),
        ("on", true),
        ("True", true),
        ("0", false),
        ("false", false),
        ("False", false),
    ] {
        let (_, checked) = check(&form(&[URL, ("persist", text)])).unwrap();
        assert_eq!(checked.shown.persist, persist, "{text}");
    }
    let faults = check(&form(&[URL, ("tls_insecure", "yes please")])).unwrap_err();
    assert_eq!(faults.errors[0].field, "tls_insecure");
    let typed = Given::from_json([
        ("rtsp_url".to_owned(), json!(URL.1)),
        ("persist".to_owned(), json!("true")),
    ]);
    assert!(check(&typed).is_err());
}

#[test]
fn json_tells_text_from_numbers() {
    for (name, value) in [
        ("limit", json!("9")),
        ("limit", json!(1.5)),
        ("limit", json!(-1)),
        ("limit", json!([9])),
        ("limit", json!(true)),
        ("fit", json!(3)),
        ("duration", json!("1")),
    ] {
        let given = json_body(json!({"rtsp_url": URL.1, name: value}));
        assert_eq!(fields(&given), [name]);
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    for value in ["NaN", "inf", "-1", "1e400", "9.5", "９"] {
        assert_eq!(
            fields(&form(&[URL, ("limit", value)])),
            ["limit"],
            "{value}"
        );
        if value != "9.5" {
            assert_eq!(fields(&form(&[URL, ("wait", value)])), ["wait"], "{value}");
        }
    }
}

#[test]
fn credentials_apart_need_no_escaping_and_never_show() {
    let given = form(&[URL, ("username", "admin"), ("password", "p@ss/w#rd%")]);
    let (url, checked) = check(&given).unwrap();
    assert!(url.has_credentials());
    for shown in [url.to_string(), format!("{url:?}"), format!("{checked:?}")] {
        assert!(!shown.contains("w#rd"), "{shown}");
    }
    assert_eq!(fields(&form(&[URL, ("password", "x")])), ["username"]);
}

#[test]
fn a_literal_address_is_judged_before_anything_starts() {
    let closed = AddressPolicy::new(vec![], vec![], false);
    let given = form(&[("rtsp_url", "rtsp://127.0.0.1:8554/cam")]);
    let faults = check_camera(&given, &closed).unwrap_err();
    assert_eq!(faults.errors[0].field, "rtsp_url");
    assert!(!faults.malformed);
    assert!(check(&given).is_ok());
}

#[test]
fn no_message_repeats_what_was_typed() {
    let given = form(&[
        ("rtsp_url", "http://admin:canary@host/"),
        ("password", "canary"),
        ("limit", "canary"),
        ("best", "canary"),
        ("fit", "canary"),
    ]);
    let faults = check(&given).unwrap_err();
    assert!(!format!("{faults:?}").contains("canary"), "{faults:?}");
}

#[test]
fn a_field_given_twice_is_a_fault() {
    let pairs = [
        ("limit".to_owned(), "3".to_owned()),
        ("limit".to_owned(), "4".to_owned()),
    ];
    assert_eq!(Given::from_text(pairs).unwrap_err()[0].field, "limit");
}

#[test]
fn every_default_in_the_table_is_what_the_check_fills_in() {
    let shown = serde_json::to_value(manifest::Options::default()).unwrap();
    for option in START_OPTIONS {
        let Some(filled) = shown.get(option.name) else {
            continue;
        };
        let stated: Value = match option.default {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap(),
        };
        assert_eq!(stated.as_f64(), filled.as_f64(), "{}", option.name);
        assert_eq!(stated.as_str(), filled.as_str(), "{}", option.name);
    }
}
