//! Pictures of figures: `/charts/sent.svg`. Drawn by charts-rs as files of their own, because its SVG carries styles of its own;
//! the page beside them has the same figures as a table.

use std::sync::OnceLock;

use app::ports::Caller;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use charts_rs::{Box as Margin, Color, LegendCategory, LineChart, Series, Symbol, YAxisConfig};
use serde::Deserialize;
use types::ids::AppId;
use types::people::Permission;
use types::problem::{Code, Problem};
use types::text::Lang;
use types::vendor::Vendor;
use types::views::overview::{RangeQuery, SentView};
use types::views::shell::{ShellInfo, Theme};

use crate::console::books::{BooksConsole, clock};
use crate::console::{self, overview};
use crate::problem::ProblemAnswer;

/// As the pages: never a font from another host.
const FONTS: &str = "Inter, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', system-ui, sans-serif";
/// Only for measuring Chinese text; without it labels are measured by the built-in Latin face.
const CJK_FILES: [&str; 2] =
    ["/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"];
const WIDTH: f32 = 720.0;
const HEIGHT: f32 = 240.0;

/// Registers a CJK face when the machine has one. Reads about 20 MB once; called at the first Chinese chart.
fn measure_cjk() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        for path in CJK_FILES {
            if let Ok(bytes) = std::fs::read(path) {
                if let Err(error) = charts_rs::add_fonts(&[&bytes]) {
                    tracing::warn!(%error, path, "the CJK face cannot be read; chart labels are measured without it");
                }
                return;
            }
        }
        tracing::info!("no Noto CJK face on this machine; chart labels are measured without it");
    });
}

/// The tokens of the look that a picture needs.
struct Ink {
    text: Color,
    line: Color,
    dark: bool,
}

const fn vendor_hex(vendor: Vendor, dark: bool) -> &'static str {
    let (light, night) = match vendor {
        Vendor::Apns => ("#5b6478", "#a3adc2"),
        Vendor::Fcm => ("#8a6d00", "#e3c14c"),
        Vendor::Xiaomi => ("#d9680f", "#ff9d54"),
        Vendor::Huawei => ("#b3261e", "#ff8f86"),
        Vendor::Harmony => ("#8e2464", "#f08cc4"),
        Vendor::Honor => ("#2c6fb5", "#7fb5ef"),
        Vendor::Oppo => ("#1f7a4d", "#62c796"),
        Vendor::Vivo => ("#3f51b5", "#9aa8ff"),
        Vendor::Meizu => ("#0e7c86", "#5fc3cd"),
        Vendor::Umeng => ("#5d5f9c", "#b3b5f2"),
        Vendor::Getui => ("#3f6f8f", "#8fc3e6"),
        Vendor::Jpush => ("#6a4fa3", "#c2a6ff"),
    };
    if dark { night } else { light }
}

const TEXT: (&str, &str) = ("#5f677a", "#8f98aa");
const LINE: (&str, &str) = ("#e3e0d6", "#292e3a");

impl Ink {
    fn of(dark: bool) -> Ink {
        let pick = |(light, night): (&'static str, &'static str)| Color::from(if dark { night } else { light });
        Ink { text: pick(TEXT), line: pick(LINE), dark }
    }
}

/// Lines with areas, one per vendor in its colour. `labels` has one entry per bucket.
///
/// # Errors
/// When charts-rs refuses the figures.
pub fn sent_svg(sent: &SentView, labels: &[String], lang: Lang, dark: bool) -> Result<String, charts_rs::Error> {
    if lang == Lang::Zh {
        measure_cjk();
    }
    let ink = Ink::of(dark);
    let series: Vec<Series> = sent
        .lanes
        .iter()
        .map(|(vendor, values)| Series::from((vendor.name().get(lang), values.iter().map(|n| *n as f32).collect::<Vec<f32>>())))
        .collect();
    let mut chart = LineChart::new_with_theme(series, labels.to_vec(), if ink.dark { "dark" } else { "light" });
    chart.width = WIDTH;
    chart.height = HEIGHT;
    chart.margin = Margin { left: 8.0, top: 8.0, right: 16.0, bottom: 8.0 };
    chart.background_color = Color::transparent();
    chart.font_family = FONTS.to_owned();
    chart.legend.font.color = ink.text;
    chart.legend.font.size = 12.0;
    chart.legend.category = LegendCategory::RoundRect;
    chart.x_axis.font.color = ink.text;
    chart.x_axis.font.size = 11.0;
    chart.x_axis.stroke_color = ink.line;
    chart.x_axis.boundary_gap = Some(false);
    chart.grid.stroke_color = ink.line;
    chart.series.fill = true;
    chart.series.fill_opacity = Some(0.16);
    chart.series.smooth = false;
    chart.series.stroke_width = 1.6;
    chart.series.symbol = Some(Symbol::None);
    chart.series.colors = sent.lanes.iter().map(|(vendor, _)| Color::from(vendor_hex(*vendor, ink.dark))).collect();
    let mut axis = YAxisConfig { min: Some(0.0), split_number: 4, ..chart.y_axis_configs.first().cloned().unwrap_or_default() };
    axis.font.color = ink.text;
    axis.font.size = 11.0;
    chart.y_axis_configs = vec![axis];
    chart.svg()
}

#[derive(Deserialize)]
struct Wish {
    app: String,
    #[serde(default)]
    range: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    /// `dark`, or anything else for light.
    #[serde(default)]
    theme: String,
}

async fn sent(
    State(books): State<BooksConsole>,
    Extension(caller): Extension<Caller>,
    shell: Option<Extension<ShellInfo>>,
    Query(wish): Query<Wish>,
) -> Result<Response, ProblemAnswer> {
    let refuse = |problem: Problem| ProblemAnswer { problem, request_id: caller.request_id.clone() };
    let app = AppId::parse(&wish.app).ok_or_else(|| refuse(Problem::new(Code::NotFound)))?;
    console::asked(&caller, Permission::See, Some(&app))?;
    let app_no = books.app_no(&app).await.map_err(refuse)?;
    let span = books.span(&RangeQuery { range: wish.range, from: wish.from, to: wish.to }).map_err(refuse)?;
    let figures = overview::sent(&books, app_no, span).await.map_err(refuse)?;
    let with_day = span.to - span.from > 86_400_000;
    let labels: Vec<String> = figures.at.iter().map(|at| clock(*at, &books.zone, with_day)).collect();
    let lang = shell.as_ref().map(|s| s.lang).unwrap_or_default();
    let dark = wish.theme == Theme::Dark.slug();
    let svg = sent_svg(&figures, &labels, lang, dark).map_err(|error| {
        tracing::error!(%error, "drawing a chart");
        refuse(Problem::new(Code::Internal))
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // A picture: its own styles, and nothing else.
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox")),
    ];
    Ok((headers, svg).into_response())
}

/// Behind the session; asks for `See` itself.
pub fn routes(books: BooksConsole) -> Router {
    Router::new().route("/charts/sent.svg", get(sent)).with_state(books)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> SentView {
        SentView {
            bucket: 60_000,
            at: vec![0, 60_000, 120_000],
            lanes: vec![(Vendor::Apns, vec![0, 5, 2]), (Vendor::Xiaomi, vec![9, 0, 1])],
        }
    }

    #[test]
    fn a_chart_carries_every_lane_in_its_colour() {
        let labels = ["10:00".to_owned(), "10:01".to_owned(), "10:02".to_owned()];
        for (lang, dark) in [(Lang::En, false), (Lang::Zh, true)] {
            let svg = sent_svg(&figures(), &labels, lang, dark).expect("drawn");
            assert!(svg.starts_with("<svg"), "{svg}");
            for (vendor, _) in figures().lanes {
                assert!(svg.contains(vendor.name().get(lang)), "{svg}");
                assert!(svg.to_lowercase().contains(vendor_hex(vendor, dark)), "{svg}");
            }
            assert!(!svg.contains("<script") && !svg.contains("http-equiv"));
        }
    }

    #[test]
    fn labels_are_text_and_no_figures_is_no_error() {
        let hostile = ["<script>alert(1)</script>".to_owned()];
        let one = SentView { bucket: 1, at: vec![0], lanes: vec![(Vendor::Apns, vec![1])] };
        let svg = sent_svg(&one, &hostile, Lang::En, false).expect("drawn");
        assert!(!svg.contains("<script"), "{svg}");
        assert!(sent_svg(&SentView::default(), &[], Lang::En, false).is_ok());
    }
}
