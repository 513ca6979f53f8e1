//! The dashboard's files: inside the binary, or from disk in debug builds, where a change needs no compiling.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rust_embed::{Embed, EmbeddedFile};
use sha2::{Digest, Sha256};

#[derive(Embed)]
#[folder = "dashboard/app"]
struct Files;

/// The page that loads everything else.
const PAGE: &str = "index.html";

/// Declarations of types, for the check of the modules; browsers have no use for them.
const DECLARATIONS: &str = ".d.ts";

/// Stands for the bundle's version in the page.
const VERSION: &str = "{version}";

/// All files of one moment.
pub(super) struct Bundle {
    version: String,
    page: String,
    files: BTreeMap<String, Asset>,
}

/// One file.
#[derive(Clone)]
pub(super) struct Asset {
    /// The content.
    pub(super) body: Cow<'static, [u8]>,
    /// The media type, by the name's ending.
    pub(super) media_type: &'static str,
}

impl Bundle {
    /// Reads all files.
    pub(super) fn read() -> Self {
        let files: BTreeMap<String, EmbeddedFile> = Files::iter()
            .filter(|name| !name.ends_with(DECLARATIONS))
            .filter_map(|name| Files::get(&name).map(|file| (name.into_owned(), file)))
            .collect();
        let mut hash = Sha256::new();
        for (name, file) in &files {
            hash.update(name);
            hash.update([0]);
            hash.update(&file.data);
        }
        // 64 bits: a version must differ from the few before it, nobody is to be kept from making an equal one.
        let version: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let page = files.get(PAGE).map(|page| String::from_utf8_lossy(&page.data).replace(VERSION, &version));
        let files = files.into_iter().map(|(name, file)| {
            let media_type = media_type(&name);
            (name, Asset { body: file.data, media_type })
        });
        Self { files: files.collect(), page: page.unwrap_or_default(), version }
    }

    /// Names the content of all files: changes with any of them.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The page, which names the version in the paths of its files.
    pub(super) fn page(&self) -> &str {
        &self.page
    }

    /// A file by its path below `dashboard/app`.
    pub(super) fn file(&self, path: &str) -> Option<&Asset> {
        self.files.get(path).filter(|_| path != PAGE)
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// What a browser loads may weigh this much, compressed.
    const MAX_GZIPPED: usize = 250 * 1024;

    #[test]
    fn the_whole_bundle_is_small() {
        let bundle = Bundle::read();
        let bodies = bundle.files.values().map(|file| file.body.as_ref());
        let sizes = bodies.map(|body| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(body).unwrap();
            gzip.finish().unwrap().len()
        });
        let all: usize = sizes.sum();
        assert!(all < MAX_GZIPPED, "{all} bytes");
    }

    #[test]
    fn the_page_loads_only_files_that_there_are() {
        let bundle = Bundle::read();
        let prefix = format!("assets/{}/", bundle.version());
        let named: Vec<&str> =
            bundle.page().split('"').filter_map(|text| text.strip_prefix(&prefix)).collect();
        assert!(named.len() > 2, "{named:?}");
        named.iter().for_each(|name| assert!(bundle.file(name).is_some(), "{name}"));
        assert!(bundle.file(PAGE).is_none(), "the page has an address of its own");
    }

    #[test]
    fn modules_import_files_that_there_are() {
        let bundle = Bundle::read();
        let modules = bundle.files.iter().filter(|(name, _)| name.ends_with(".js"));
        for (name, module) in modules {
            let text = String::from_utf8_lossy(&module.body);
            let imports =
                text.lines().filter(|line| line.starts_with("import")).flat_map(|line| line.split('"'));
            for import in imports.filter(|part| part.starts_with('.')) {
                let base = url::Url::parse("http://souk/").unwrap().join(name).unwrap();
                let path = base.join(import).unwrap().path().trim_start_matches('/').to_owned();
                assert!(bundle.file(&path).is_some(), "{name} imports {import}");
            }
        }
    }
}
