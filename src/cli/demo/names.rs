//! What the peers of a demo are called: as machines of a real network are.

/// The first peers; the others are sensors, of which there may be any number.
const NAMES: [&str; 24] = [
    "printer",
    "nas",
    "robot-1",
    "robot-2",
    "robot-3",
    "camera-door",
    "camera-yard",
    "laptop-anna",
    "laptop-ben",
    "build-server",
    "tv",
    "heat-pump",
    "gateway",
    "lathe",
    "laser",
    "oven",
    "scale",
    "kiosk",
    "backup",
    "mail",
    "wiki",
    "lab-bench",
    "desk-carla",
    "desk-dan",
];

/// The name of the peer with this number, counted from 0; no two have the same.
pub(super) fn name(peer: u8) -> String {
    let named = NAMES.get(usize::from(peer)).map(|name| (*name).to_owned());
    named.unwrap_or_else(|| format!("sensor-{}", usize::from(peer) + 1 - NAMES.len()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_peer_has_a_name_of_its_own() {
        let names: HashSet<String> = (0..=u8::MAX).map(name).collect();
        assert_eq!(names.len(), 256);
        assert_eq!([0, 23, 24, 199].map(name), ["printer", "desk-dan", "sensor-1", "sensor-176"]);
    }
}
