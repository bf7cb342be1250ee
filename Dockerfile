FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN pip install --no-cache-dir --prefix=/install '.[postgres]'

FROM python:3.12-slim
COPY --from=build /install /usr/local
RUN useradd --create-home --uid 10001 r1
USER r1
ENV PYTHONUNBUFFERED=1 \
    R1_DATABASE_URL=sqlite:////home/r1/data/r1.db
RUN mkdir -p /home/r1/data
VOLUME /home/r1/data
EXPOSE 3000
# HTTP mode where SLACK_SIGNING_SECRET is set, Socket Mode where SLACK_APP_TOKEN is.
CMD ["r1", "serve"]
