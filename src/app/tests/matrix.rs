//! The matrix on the screen.

use super::network::{eight, hundred_and_twenty};
use super::*;

#[test]
fn look() {
    for size in [(80, 24), (120, 40), (60, 14), (40, 10), (20, 5)] {
        let (mut bench, _) = Bench::of(eight);
        println!("{}\n=====", bench.text(size.0, size.1));
    }
    let (mut bench, _) = Bench::of(eight);
    bench.key(KeyCode::Char('v'));
    println!("{}\n=====", bench.text(80, 24));
    bench.key(KeyCode::Char('v'));
    bench.key(KeyCode::Char('o'));
    println!("{}\n=====", bench.text(80, 24));
    let (mut bench, _) = Bench::of(hundred_and_twenty);
    println!("{}\n=====", bench.text(80, 24));
    println!("{}\n=====", bench.text(200, 60));
    bench.key(KeyCode::Char('o'));
    println!("{}\n=====", bench.text(120, 40));
    bench.key(KeyCode::Esc);
    println!("{}\n=====", bench.text(80, 24));
}
