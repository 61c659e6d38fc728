-- catalogue/pictures: photographs that staff have uploaded, in the sizes and formats they are shown in.

CREATE TABLE pictures (
    id          uuid PRIMARY KEY,
    digest      text NOT NULL CHECK (digest ~ '^[0-9a-f]{32}$'),  -- of what was uploaded; part of the address, which therefore never changes its content
    width       integer NOT NULL CHECK (width > 0),
    height      integer NOT NULL CHECK (height > 0),
    widths      integer[] NOT NULL,              -- there is a file of each width in each format
    placeholder text NOT NULL CHECK (placeholder LIKE 'data:image/%'), -- a few pixels, shown until the picture is there
    uploaded_by text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT pictures_kept_once UNIQUE (digest)
);

CREATE TABLE picture_files (
    picture_id uuid NOT NULL REFERENCES pictures ON DELETE CASCADE,
    format     text NOT NULL CHECK (format IN ('avif', 'webp', 'jpeg')),
    width      integer NOT NULL,
    content    bytea NOT NULL,
    PRIMARY KEY (picture_id, format, width)
);
ALTER TABLE picture_files ALTER content SET STORAGE EXTERNAL; -- compressed already
GRANT SELECT, INSERT, DELETE ON pictures, picture_files TO jklg_app;

-- What a page needs of a picture: the name of a drawing, or the photograph with its sizes.
CREATE FUNCTION shown_picture(p_scene text, p_picture_id uuid, p_alt text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('scene', coalesce(p_scene, ''), 'alt', p_alt, 'photo', (
        SELECT jsonb_build_object('id', p.id, 'digest', p.digest, 'width', p.width, 'height', p.height, 'widths', p.widths,
                                  'placeholder', p.placeholder)
        FROM pictures p WHERE p.id = p_picture_id))
$$;

-- catalogue: a package and a place show drawings or photographs.

ALTER TABLE package_pictures ALTER scene DROP NOT NULL;
ALTER TABLE package_pictures ADD picture_id uuid REFERENCES pictures;
ALTER TABLE package_pictures ADD CONSTRAINT package_pictures_drawn_or_taken CHECK (num_nonnulls(scene, picture_id) = 1);

CREATE TABLE destination_pictures (
    destination_id uuid NOT NULL REFERENCES destinations ON DELETE CASCADE,
    position       integer NOT NULL,
    scene          text,
    picture_id     uuid REFERENCES pictures,
    alt            text NOT NULL CHECK (alt <> ''),
    PRIMARY KEY (destination_id, position),
    CONSTRAINT destination_pictures_drawn_or_taken CHECK (num_nonnulls(scene, picture_id) = 1)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON destination_pictures TO jklg_app;

-- catalogue/gallery: pictures that stand for themselves, in the order staff has put them.

CREATE TABLE gallery_images (
    id         uuid PRIMARY KEY,
    title      text NOT NULL,
    place      text NOT NULL DEFAULT '',
    scene      text,
    picture_id uuid REFERENCES pictures,
    alt        text NOT NULL,
    position   integer NOT NULL DEFAULT 0,
    published  boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT house_now(),
    updated_at timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT gallery_images_drawn_or_taken CHECK (num_nonnulls(scene, picture_id) = 1),
    CONSTRAINT gallery_images_say_what_one_sees CHECK (title <> '' AND alt <> '')
);
CREATE INDEX gallery_images_in_order ON gallery_images (position, id) WHERE published;
CREATE TRIGGER gallery_images_touched BEFORE UPDATE ON gallery_images FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON gallery_images TO jklg_app;
