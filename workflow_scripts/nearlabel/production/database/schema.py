"""The database's schema, and how an older one becomes today's."""

VERSION = 1
"""``PRAGMA user_version``."""

# Version → statements that lead to it from the one before. A version that was once released is never edited.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (
        # An image is its content: files of the same bytes are one image.
        """
        CREATE TABLE images (
            image_id INTEGER PRIMARY KEY,
            sha256 TEXT NOT NULL UNIQUE,
            path TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            mode TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            brightness REAL NOT NULL,
            contrast REAL NOT NULL,
            first_seen TEXT NOT NULL,
            thumbnail BLOB NOT NULL
        ) STRICT
        """,
        # Each time that a file arrived; one and the same file is found once, however often the watcher starts.
        """
        CREATE TABLE sightings (
            sighting_id INTEGER PRIMARY KEY,
            image_id INTEGER NOT NULL REFERENCES images,
            path TEXT NOT NULL,
            mtime_ns INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            time TEXT NOT NULL,
            camera TEXT NOT NULL,
            part TEXT NOT NULL,
            label_id INTEGER REFERENCES labels,
            archived TEXT NOT NULL DEFAULT '',
            UNIQUE (path, mtime_ns, bytes)
        ) STRICT
        """,
        # Files that were given up, so that they are not tried again with every start.
        """
        CREATE TABLE quarantined (
            path TEXT NOT NULL,
            mtime_ns INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            time TEXT NOT NULL,
            reason TEXT NOT NULL,
            moved TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (path, mtime_ns, bytes)
        ) STRICT
        """,
        # What a bundle said of an image; never changed.
        """
        CREATE TABLE labels (
            label_id INTEGER PRIMARY KEY,
            image_id INTEGER NOT NULL REFERENCES images,
            bundle INTEGER NOT NULL,
            bundle_sha256 TEXT NOT NULL,
            time TEXT NOT NULL,
            label TEXT NOT NULL,
            label_by TEXT NOT NULL,
            p_value REAL,
            confidence REAL,
            label_set TEXT NOT NULL,
            node TEXT NOT NULL,
            lineage TEXT NOT NULL,
            group_name TEXT NOT NULL,
            shadow_node TEXT NOT NULL,
            novelty REAL NOT NULL,
            novelty_p REAL NOT NULL,
            normal_percentile REAL NOT NULL,
            novel INTEGER NOT NULL,
            neighbors TEXT NOT NULL,
            x REAL,
            y REAL,
            vector BLOB NOT NULL,
            UNIQUE (image_id, bundle_sha256)
        ) STRICT
        """,
        # What operators said; a row is never changed, undoing is a row of its own.
        """
        CREATE TABLE corrections (
            correction_id INTEGER PRIMARY KEY,
            image_id INTEGER NOT NULL REFERENCES images,
            label_id INTEGER NOT NULL REFERENCES labels,
            operator TEXT NOT NULL,
            time TEXT NOT NULL,
            action TEXT NOT NULL CHECK (action IN ('confirm', 'correct', 'undo')),
            label TEXT NOT NULL,
            node TEXT NOT NULL,
            undoes INTEGER REFERENCES corrections,
            request TEXT NOT NULL UNIQUE
        ) STRICT
        """,
        """
        CREATE TABLE events (
            event_id INTEGER PRIMARY KEY,
            time TEXT NOT NULL,
            kind TEXT NOT NULL,
            sentence TEXT NOT NULL,
            detail TEXT NOT NULL,
            first_label INTEGER,
            last_label INTEGER
        ) STRICT
        """,
        # What the watcher goes on from: drift, shadow groups, how far each output has come.
        "CREATE TABLE state (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT",
        "CREATE INDEX labels_by_image ON labels (image_id)",
        "CREATE INDEX labels_by_bundle ON labels (bundle_sha256, novel, label_id)",
        "CREATE INDEX labels_by_node ON labels (node, label_id)",
        "CREATE INDEX novel_labels ON labels (bundle_sha256, label_id) WHERE novel = 1",
        "CREATE INDEX sightings_by_image ON sightings (image_id)",
        "CREATE INDEX corrections_by_image ON corrections (image_id, action)",
        # What the review page filters by, in the order in which it shows.
        "CREATE INDEX labels_in_order ON labels (label_id, image_id)",
        "CREATE INDEX labels_by_label ON labels (label, label_id)",
        "CREATE INDEX labels_of_novel ON labels (label_id) WHERE novel = 1",
        """
        CREATE INDEX labels_in_doubt ON labels (label_id)
        WHERE novel = 0 AND confidence IS NOT NULL AND json_array_length(label_set) <> 1
        """,
        "CREATE INDEX sightings_by_camera ON sightings (camera, image_id)",
        "CREATE INDEX corrections_by_label ON corrections (label)",
        "CREATE INDEX corrections_by_undoes ON corrections (undoes)",
        # An operator's word on an image that was not taken back.
        """
        CREATE VIEW standing_corrections AS
        SELECT * FROM corrections AS given
        WHERE action <> 'undo' AND NOT EXISTS (SELECT 1 FROM corrections WHERE undoes = given.correction_id)
        """,
        # The newest word of any bundle on each image, with its latest sighting.
        """
        CREATE VIEW latest_labels AS
        SELECT labels.*, images.sha256, images.path, images.width, images.height
        FROM labels JOIN images USING (image_id)
        WHERE label_id = (SELECT max(label_id) FROM labels AS other WHERE other.image_id = labels.image_id)
        """,
    )
}
