-- questions: what people ask about a package, and what staff answer. The first table is what everybody may read of it once it is published;
-- who asked, and in which words, is the house's own.

CREATE TABLE package_questions (
    id          uuid PRIMARY KEY,
    package_id  uuid NOT NULL REFERENCES packages ON DELETE CASCADE,
    name        text NOT NULL DEFAULT '',     -- as it is shown: a first name; none where staff have worded the question anew
    question    text NOT NULL,                -- as it is shown
    answer      text NOT NULL DEFAULT '',
    status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'answered', 'published', 'closed')),
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    answered_at timestamptz,                  -- when the answer was mailed: once
    moved_at    timestamptz NOT NULL DEFAULT house_now(), -- since when it is in this state
    CONSTRAINT package_questions_say_something CHECK (question <> ''),
    CONSTRAINT package_questions_published_with_an_answer CHECK (status NOT IN ('answered', 'published') OR (answer <> '' AND answered_at IS NOT NULL))
);
CREATE INDEX package_questions_of_package ON package_questions (package_id, answered_at DESC, id DESC) WHERE status = 'published';
CREATE INDEX package_questions_by_status ON package_questions (status, moved_at, id);

CREATE TABLE question_askers (
    question_id uuid PRIMARY KEY REFERENCES package_questions ON DELETE CASCADE,
    name        text NOT NULL,                -- as it was typed; nobody has proven anything
    email       text NOT NULL,
    words       text NOT NULL,                -- the question as it was typed
    locale      text NOT NULL DEFAULT 'en',
    digest      bytea NOT NULL,               -- of everything that was typed
    CONSTRAINT question_askers_said_once UNIQUE (digest)
);
CREATE INDEX question_askers_of_email ON question_askers (lower(email));

ALTER TABLE package_questions ENABLE ROW LEVEL SECURITY;
ALTER TABLE question_askers ENABLE ROW LEVEL SECURITY;
CREATE POLICY package_questions_of_the_house ON package_questions USING ((SELECT claim('role')) = 'system');
CREATE POLICY package_questions_shown_to_everybody ON package_questions FOR SELECT USING (status = 'published');
CREATE POLICY question_askers_of_the_house ON question_askers USING ((SELECT claim('role')) = 'system');
GRANT SELECT, INSERT, UPDATE, DELETE ON package_questions TO jklg_app;
GRANT SELECT, INSERT, DELETE ON question_askers TO jklg_app;
